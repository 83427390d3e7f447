import { readdirSync } from 'node:fs'
import { basename } from 'node:path'
import { parseArgs } from 'node:util'
import { Closing } from './closing.ts'

/** What was asked for on the command line of `npm run bench` or `npm run soak`. */
export interface Command<Option extends string> {
  readonly name: string
  /** The URL of the file of that name. */
  readonly file: string
  readonly jsonFile: string | undefined
  /** The numbers behind the options that the command has beside `--json`. */
  readonly numbers: Readonly<Partial<Record<Option, number>>>
}

/**
 * Reads the command line. Without a name it lists what there is, and ends the process.
 *
 * @param numberOptions - options that take a whole number, such as `rounds`
 */
export function readCommand<Option extends string>(
  script: string,
  folder: URL,
  numberOptions: readonly Option[],
): Command<Option> {
  const options = Object.fromEntries(
    ['json', ...numberOptions].map((option) => [option, { type: 'string' } as const]),
  )
  const { values, positionals } = parseArgs({ allowPositionals: true, options })
  const names = namesIn(folder)
  const [name] = positionals
  if (name === undefined || !names.includes(name)) {
    const usage = numberOptions.map((option) => `[--${option} N] `).join('')
    console.log(`npm run ${script} -- NAME ${usage}[--json FILE]\n`)
    for (const known of names) console.log(`  ${known}`)
    process.exit(name === undefined ? 0 : 2)
  }
  const numbers: Partial<Record<Option, number>> = {}
  for (const option of numberOptions) {
    const text = values[option]
    if (text !== undefined) numbers[option] = wholeNumber(option, text)
  }
  return { name, file: new URL(`${name}.ts`, folder).href, jsonFile: values['json'], numbers }
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
