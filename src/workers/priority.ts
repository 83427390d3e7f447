import { stat } from 'node:fs'
import { getPriority, setPriority } from 'node:os'

const nice = 10

/**
 * Has this thread give way to the event loop of the main thread where cores are scarce. Linux sets the nice
 * value of the calling thread; elsewhere it would be that of the whole process.
 */
export function giveWay(): void {
  if (process.platform !== 'linux') return
  try {
    // Whoever has been made nicer stays so; to be less nice takes rights, too.
    if (getPriority() < nice) setPriority(nice)
  } catch {
    // A sandbox may forbid it: then this thread is one among equals.
  }
}

/**
 * Has libuv start its pool now, in the main thread. Its threads read files and compress for the whole
 * process, and would give way with the worker that happened to need them first.
 */
export function startPool(): void {
  stat('.', () => {})
}
