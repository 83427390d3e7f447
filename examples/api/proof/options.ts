import { constants } from 'node:fs'
import { access } from 'node:fs/promises'
import { dirname, resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { Refusal } from './failure.ts'

/** What the command line asks for. */
export interface Options {
  /** Print the usage and end. */
  readonly isHelp: boolean
  /** End after the proof instead of keeping the hotpath build up. */
  readonly isExiting: boolean
  /** How long to measure; without it, what is left of the time that a default run may take. */
  readonly durationMs: number | undefined
  /** Interleaved rounds of each row. */
  readonly rounds: number
  /** Write the figures to this file. */
  readonly jsonPath: string | undefined
  /** Load this Stack Exchange dump instead of generating one. */
  readonly dumpFolder: string | undefined
  /** Where the hotpath build stays up; 0 takes a free port. */
  readonly port: number
}

export const usage = `npm start -- [options]

Loads a question-and-answer site into PostgreSQL, puts the naive, the usual and the
hotpath build of its API under the same load, and prints what each pattern gained.

  --exit          end after the proof; without it the hotpath build stays up
  --json FILE     write the figures to FILE
  --full          longer, steadier rounds: measure for five minutes
  --seconds N     measure for about N seconds (40 or less, so that all of it takes under 90)
  --dump FOLDER   load a Stack Exchange dump (Users, Posts, Comments, Votes; .xml or .xml.gz)
  --port NUMBER   where the hotpath build stays up (3000; 0 takes a free port)
  --help          this text

DATABASE_URL  use this PostgreSQL server; the example makes a database of its own there
              and drops it at the end. Without it, one is started in a private folder.
REDIS_URL     give the usual and the hotpath build a Redis tier behind their memory.
`

const fullMs = 300_000

/**
 * Reads the command line.
 *
 * @throws Refusal for what cannot be meant
 */
export function readOptions(args: readonly string[]): Options {
  const { values } = parse(args)
  return {
    isHelp: values.help,
    isExiting: values.exit,
    durationMs: durationMs(values.seconds, values.full),
    rounds: values.full ? 7 : 3,
    jsonPath: values.json === undefined ? undefined : resolve(values.json),
    dumpFolder: values.dump === undefined ? undefined : resolve(values.dump),
    port: portNumber(values.port),
  }
}

/**
 * Checks that the figures can be written when they are there, before a minute is spent on them.
 *
 * @throws Refusal when they cannot
 */
export async function checkJsonPath(path: string): Promise<void> {
  try {
    await access(dirname(path), constants.W_OK)
  } catch {
    throw new Refusal(`--json cannot write ${path}: choose a folder that exists and is yours.`)
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: {
        help: { type: 'boolean', default: false },
        exit: { type: 'boolean', default: false },
        full: { type: 'boolean', default: false },
        seconds: { type: 'string' },
        json: { type: 'string' },
        dump: { type: 'string' },
        port: { type: 'string', default: '3000' },
      },
    })
  } catch (error) {
    const [sentence = ''] = (error as Error).message.split('. ')
    throw new Refusal(`${sentence.replace(/\.$/, '')}; npm start -- --help lists the options.`)
  }
}

function durationMs(value: string | undefined, isFull: boolean): number | undefined {
  if (value === undefined) return isFull ? fullMs : undefined
  if (/^\d+$/.test(value) && Number(value) > 0) return 1_000 * Number(value)
  throw new Refusal(`--seconds takes a whole number above 0, not ${value}.`)
}

function portNumber(value: string): number {
  const port = Number(value)
  if (/^\d+$/.test(value) && port <= 65_535) return port
  throw new Refusal(`--port takes a number from 0 to 65535, not ${value}.`)
}
