// Works on a small disk, given as a folder, that it fills and empties again; prints what happened.
import { closeSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { createTasks, sqliteEngine } from '../../src/tasks/index.ts'

const folder = process.argv[2] ?? ''
const filler = join(folder, 'filler')
const tasks = createTasks({ engine: sqliteEngine({ file: join(folder, 'tasks.db') }) })
const release = Promise.withResolvers<string>()
const slow = tasks.define('slow', { run: () => release.promise })
const stored = tasks.define('stored', { run: (input: string) => input.length })
const acknowledged: string[] = []
const refusals = new Set<string>()

const { id: running } = await slow.enqueue(undefined)
for (let n = 0; n < 50; n++) await tryToEnqueue('before')
await tasks.start()
fillDisk()
await tryToEnqueue('x'.repeat(500_000))
// The space of the log is used again: small tasks may still find room.
for (let n = 0; n < 20; n++) await tryToEnqueue('while the disk is full')
release.resolve('done')
await tryToEnqueue('x'.repeat(500_000))
rmSync(filler)
const completed = await slow.wait(running)
await tryToEnqueue('after')
const states: Record<string, number> = {}
for (const id of acknowledged) {
  const { state } = (await stored.wait(id)) ?? { state: 'lost' }
  states[state] = (states[state] ?? 0) + 1
}
await tasks.close()
const result = { slow: completed?.state, acknowledged: acknowledged.length, states }
console.log(JSON.stringify({ ...result, refusals: [...refusals] }))

async function tryToEnqueue(input: string): Promise<void> {
  try {
    acknowledged.push((await stored.enqueue(input)).id)
  } catch (error) {
    refusals.add(String(error))
  }
}

function fillDisk(): void {
  const file = openSync(filler, 'w')
  try {
    for (;;) writeSync(file, Buffer.alloc(4_096))
  } catch {
    closeSync(file)
  }
}
