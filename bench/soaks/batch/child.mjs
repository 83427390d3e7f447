// Fetches so many addresses from a generator, and tells what that took. In JavaScript: what takes the
// types out of a .ts file would be in the memory that is measured.
import { fetchAll } from 'hotpath/batch'

const [url = '', count = '0'] = process.argv.slice(2)
process.on('disconnect', () => process.exit())

async function* addresses() {
  for (let n = 0; n < Number(count); n++) yield `${url}/0?n=${n}`
}

let done = 0
let failed = 0
for await (const result of fetchAll(addresses(), { concurrency: 50 })) {
  if (!result.ok) failed++
  if (++done % 10_000 === 0) process.send({ done })
}
process.send({ done, failed, peakRssBytes: process.resourceUsage().maxRSS * 1_024 })
