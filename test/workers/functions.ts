// What the tests of workers run in threads.
import { reportProgress, transfer } from '../../src/workers/index.ts'

export const version = 1

export function double(n: number): number {
  return 2 * n
}

export function echo<Value>(value: Value): Value {
  return value
}

export async function later(n: number): Promise<number> {
  await new Promise((resolve) => setTimeout(resolve, 1))
  return n
}

export function nothing(): string {
  return 'done'
}

/** Keeps its thread busy, for ever if it is told so. */
export function spin(ms: number): number {
  const start = performance.now()
  while (performance.now() - start < ms);
  return ms
}

/** Says that it has begun, and holds its thread until it is let go. */
export function hold(gate: Int32Array): string {
  Atomics.add(gate, 0, 1)
  Atomics.wait(gate, 1, 0)
  return 'let go'
}

/** Counts its runs where all threads see it. */
export function count({ counts, at }: { counts: Int32Array; at: number }): number {
  Atomics.add(counts, at, 1)
  return at
}

/** The same, with a turn of the event loop before it ends. */
export async function countLater(input: { counts: Int32Array; at: number }): Promise<number> {
  const at = count(input)
  await new Promise((resolve) => setImmediate(resolve))
  return at
}

/** Throws when nobody listens to it any more. */
export async function throwAside(): Promise<void> {
  setImmediate(() => {
    throw new Error('aside')
  })
  await new Promise(() => {})
}

export function fail(code: string): never {
  throw Object.assign(new RangeError('out of range'), { code })
}

export function throwText(text: string): never {
  // oxlint-disable-next-line typescript/only-throw-error -- what a caller may do to us
  throw text
}

export function fill(): number {
  const kept: number[][] = []
  for (;;) kept.push(Array.from({ length: 10_000 }, (_, at) => at + kept.length))
}

export function exit(): void {
  process.exit(3)
}

export function giveFunction(): unknown {
  return () => 1
}

export function bytes(length: number): Uint8Array<ArrayBuffer> {
  const made = new Uint8Array(length).fill(7)
  return transfer(made, [made.buffer])
}

export function steps(count: number): number {
  for (let step = 1; step <= count; step++) reportProgress(step)
  return count
}

export function ignore(_value: unknown): void {}
