import { readdirSync } from 'node:fs'
import { basename } from 'node:path'
import { parseArgs } from 'node:util'
import { Closing } from './closing.ts'

/** What was asked for on the command line of `npm run bench` or `npm run soak`. */
export interface Command {
  readonly name: string
  /** The URL of the file of that name. */
  readonly file: string
  readonly jsonFile: string | undefined
  /** The number behind the option that the command has beside `--json`. */
  readonly count: number | undefined
}

/**
 * Reads the command line. Without a name it lists what there is, and ends the process.
 *
 * @param countOption - the option that takes a whole number: `rounds` of a bench
 */
export function readCommand(script: string, folder: URL, countOption: string): Command {
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: { json: { type: 'string' }, [countOption]: { type: 'string' } },
  })
  const names = namesIn(folder)
  const [name] = positionals
  if (name === undefined || !names.includes(name)) {
    const usage = `npm run ${script} -- NAME [--${countOption} N] [--json FILE]`
    console.log(`${usage}\n\n${names.map((known) => `  ${known}`).join('\n')}`)
    process.exit(name === undefined ? 0 : 2)
  }
  const given = values[countOption]
  return {
    name,
    file: new URL(`${name}.ts`, folder).href,
    jsonFile: values.json as string | undefined,
    count: typeof given === 'string' ? wholeNumber(countOption, given) : undefined,
  }
}

/**
 * Runs the command, and ends what it has started whatever happens: at the end, after an error, and
 * on Ctrl-C.
 */
export async function runCommand(run: (closing: Closing) => Promise<void>): Promise<void> {
  const closing = new Closing()
  for (const [signal, status] of [
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const) {
    process.once(signal, () => void closing.close().finally(() => process.exit(status)))
  }
  try {
    await run(closing)
  } catch (error) {
    // After Ctrl-C everything fails; that is no news.
    if (closing.isClosed) return
    console.error(error instanceof Error ? error.stack : error)
    process.exitCode = 1
  } finally {
    await closing.close()
  }
}

function namesIn(folder: URL): string[] {
  return readdirSync(folder)
    .filter((file) => file.endsWith('.ts'))
    .map((file) => basename(file, '.ts'))
    .sort()
}

function wholeNumber(option: string, text: string): number {
  const value = Number(text)
  if (!Number.isSafeInteger(value) || value < 1) {
    console.error(`--${option} takes a whole number of at least 1, not ${text}`)
    process.exit(2)
  }
  return value
}
