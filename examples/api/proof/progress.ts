/** Tells the person who waits what is going on. */
export interface Progress {
  /** Begins a step; a step begun before it ends without a word. */
  begin(what: string): Step
  /** Prints a text of its own, such as the table. */
  print(text: string): void
}

export interface Step {
  /** How far the step is, from 0 to 1; drawn as a bar on a terminal, left out in a log. */
  update(doneRatio: number, what?: string): void
  /** Ends the step with what came of it. */
  done(outcome: string): void
}

const barWidth = 24
const redrawMs = 80

/**
 * Writes one line per step with the time since the start. A terminal shows the step under way in
 * place; a log gets a line when it begins and one when it ends.
 */
export function createProgress(out: NodeJS.WriteStream = process.stdout): Progress {
  const startMs = performance.now()
  let drawnMs = 0

  const stamp = () => `${((performance.now() - startMs) / 1_000).toFixed(1).padStart(6)} s  `
  const draw = (line: string) => {
    drawnMs = performance.now()
    out.write(`\r\u001b[K${line.slice(0, (out.columns || 80) - 1)}`)
  }

  return {
    begin(what) {
      if (out.isTTY) draw(`${stamp()}${what} ...`)
      else out.write(`${stamp()}${what} ...\n`)
      return {
        update(doneRatio, detail = what) {
          if (!out.isTTY || performance.now() - drawnMs < redrawMs) return
          draw(`${stamp()}${bar(doneRatio)} ${detail}`)
        },
        done(outcome) {
          out.write(`${out.isTTY ? '\r\u001b[K' : ''}${stamp()}${outcome}\n`)
        },
      }
    },
    print: (text) => void out.write(`${text}\n`),
  }
}

function bar(doneRatio: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, doneRatio)) * barWidth)
  return `[${'#'.repeat(filled)}${'.'.repeat(barWidth - filled)}]`
}
