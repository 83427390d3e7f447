// Prints the nice values of the threads of a process that has workers.
import { readdirSync, readFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { getPriority, setPriority } from 'node:os'
import { fileURLToPath } from 'node:url'
import { createWorkers } from '../../src/workers/index.ts'
import type * as functions from './functions.ts'

const isLinux = process.platform === 'linux'

setPriority(Number(process.argv[2]))
const module = new URL('./functions.ts', import.meta.url)
const atFirst = threads()
await Promise.all(Array.from({ length: 8 }, () => readFile(fileURLToPath(module))))
const withPool = threads()
const workers = createWorkers<typeof functions>(module)
await workers.run('nothing')
const withWorkers = threads()

// By what has made them: only later versions of Node than 22 give threads names.
const mainThread = niceOf([String(process.pid)])
const pool = niceOf(withPool.filter((id) => !atFirst.includes(id)))
const worker = niceOf(withWorkers.filter((id) => !withPool.includes(id)))
console.log(JSON.stringify({ mainThread, pool, worker }))
await workers.close()

function threads(): string[] {
  return isLinux ? readdirSync('/proc/self/task') : []
}

function niceOf(ids: readonly string[]): number[] {
  if (!isLinux) return [getPriority()]
  const values = ids.map((id) => {
    const stat = readFileSync(`/proc/self/task/${id}/stat`, 'utf8')
    // Field 19, counted from behind the name, which is the second and may hold anything.
    return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[16])
  })
  return [...new Set(values)]
}
