import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads'
import { describe } from './errors.ts'
import { unpack, type Packed, type Report, type Request, type ThreadData } from './protocol.ts'
import { Store } from './store.ts'

// The entry of the thread that has the database: node:sqlite blocks while it works, and a commit
// waits for the disk.

/** The first message of the thread: that it has opened the file, or why not. */
export interface Opening {
  readonly error: ReturnType<typeof describe> | undefined
}

if (parentPort !== null) run(parentPort, workerData as ThreadData)

function run(port: MessagePort, data: ThreadData): void {
  let store: Store
  try {
    store = new Store(data)
  } catch (error) {
    port.postMessage({ error: describe(error) } satisfies Opening)
    port.close()
    return
  }
  port.postMessage({ error: undefined } satisfies Opening)
  let poll: NodeJS.Timeout | undefined
  let rest: NodeJS.Immediate | undefined

  const tell = (report: Report) => {
    const { isReply, claims, stops, troubles } = report
    if (isReply || claims.length + stops.length + troubles.length > 0) {
      port.postMessage(JSON.stringify(report))
    }
    if (store.isWorking && poll === undefined) {
      poll = setInterval(() => tell(store.poll()), data.pollMs)
    } else if (!store.isWorking) {
      clearInterval(poll)
      poll = undefined
    }
    // After the answer, which is under way by then.
    if (store.isRestDue) {
      rest ??= setImmediate(() => {
        rest = undefined
        store.rest()
      })
    }
  }

  port.on('message', (first: Packed<readonly Request[]>) => {
    const requests = [...unpack(first)]
    // What has come meanwhile shares the transaction.
    for (let next = receiveMessageOnPort(port); next; next = receiveMessageOnPort(port)) {
      requests.push(...unpack(next.message as Packed<readonly Request[]>))
    }
    tell(store.serve(requests))
    const last = requests.find(({ ask }) => ask === 'close')
    if (last === undefined) return
    clearInterval(poll)
    clearImmediate(rest)
    store.close()
    port.postMessage({ ...nothing, answers: [{ ref: last.ref, value: undefined }] })
    port.close()
  })
}

const nothing: Report = { isReply: true, answers: [], claims: [], stops: [], troubles: [] }
