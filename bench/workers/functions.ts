// What the threads of each contender run.

export function echo(n: number): number {
  return n
}

/** Some 0.15 ms of work. */
export function fib(n: number): number {
  return n < 2 ? n : fib(n - 1) + fib(n - 2)
}

/** Keeps the CPU for so many milliseconds. */
export function spin(ms: number): number {
  const startMs = performance.now()
  while (performance.now() - startMs < ms);
  return ms
}
