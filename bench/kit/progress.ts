const isTerminal = process.stderr.isTTY

/** Shows how far the run is: one line that replaces the last one; an empty one clears it. */
export function showProgress(line: string): void {
  if (isTerminal) process.stderr.write(`\r\u001B[K${line}`)
  else if (line !== '') process.stderr.write(`${line}\n`)
}
