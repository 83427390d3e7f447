import { createUploadStore } from '../../src/tasks/upload-store.ts'

// Receives one upload that never ends, or is larger than the disk; a process of its own, to be killed.
const [folder = '', bytes = '0'] = process.argv.slice(2)
const uploads = createUploadStore({ folder, maxBytes: 1e12 })

async function* source(): AsyncGenerator<Uint8Array> {
  const chunk = new Uint8Array(65_536).fill(1)
  for (let sent = 0; sent < Number(bytes); sent += chunk.length) yield chunk
  console.log('sent')
  if (bytes === '65536') await new Promise((resolve) => setTimeout(resolve, 1e6))
}

await uploads.receive(source()).then(
  () => console.log('kept'),
  (error: { code?: unknown; message: string }) => console.log(error.code),
)
