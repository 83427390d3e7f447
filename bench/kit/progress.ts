const isTerminal = process.stderr.isTTY

/** How often it is worth while to say how far a run is: a log wants fewer lines than a terminal. */
export const progressEveryMs = isTerminal ? 500 : 5_000

/** Shows how far the run is: one line that replaces the last one; an empty one clears it. */
export function showProgress(line: string): void {
  if (isTerminal) process.stderr.write(`\r\u001B[K${line}`)
  else if (line !== '') process.stderr.write(`${line}\n`)
}
