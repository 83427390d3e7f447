// Prints the nice values of the threads of a process that has workers.
import { readdirSync, readFileSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'
import { createWorkers } from '../../src/workers/index.ts'
import type * as functions from './functions.ts'

setPriority(Number(process.argv[2]))
const module = new URL('./functions.ts', import.meta.url)
const workers = createWorkers<typeof functions>(module)
await workers.run('nothing')
console.log(JSON.stringify(process.platform === 'linux' ? niceOfThreads() : niceOfProcess()))
await workers.close()

function niceOfProcess() {
  const all = [getPriority()]
  return { mainThread: all, pool: all, worker: all }
}

function niceOfThreads() {
  return {
    mainThread: niceOf('MainThread'),
    pool: niceOf('libuv-worker'),
    worker: niceOf('WorkerThread'),
  }
}

function niceOf(name: string): number[] {
  const threads = readdirSync('/proc/self/task').map((id) => `/proc/self/task/${id}`)
  const named = threads.filter((thread) => readFileSync(`${thread}/comm`, 'utf8').trim() === name)
  const values = named.map((thread) => {
    const stat = readFileSync(`${thread}/stat`, 'utf8')
    // Field 19, counted from behind the name, which is the second and may hold anything.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16])
  })
  return [...new Set(values)]
}
