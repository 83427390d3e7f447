import { tokenize } from './tokens.ts'

/** Two texts have the same fingerprint when they differ in values, lists of values and layout only. */
export type Fingerprint = (text: string) => string

const maxTexts = 2_000
let loading: Promise<Fingerprint> | undefined

/**
 * The fingerprints of PostgreSQL's own parser where the optional peer `libpg-query` is installed,
 * else of {@link normalizeSql}. The parser is loaded with the first call.
 */
export function loadFingerprint(): Promise<Fingerprint> {
  loading ??= loadParser().then((parser) => cached(parser ?? normalizeSql))
  return loading
}

/**
 * An SQL text without what differs from one run to the next: values and placeholders become `?`, a
 * list of them becomes one, comments go, white space is one space, unquoted words are in lower case.
 *
 * @example
 * ```ts
 * normalizeSql('SELECT * FROM users WHERE id IN ($1, $2) -- two') // 'select * from users where id in ( ? )'
 * ```
 */
export function normalizeSql(text: string): string {
  const words: string[] = []
  for (const { kind, text: word } of tokenize(text)) {
    const isValue = kind === 'literal' || kind === 'placeholder'
    if (isValue && words.at(-1) === ',' && words.at(-2) === '?') words.pop()
    else words.push(isValue ? '?' : word)
  }
  return words.join(' ').replaceAll(/(\( \? \))(?: , \( \? \))+/g, '$1')
}

async function loadParser(): Promise<Fingerprint | undefined> {
  const parser = await import('libpg-query').catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'ERR_MODULE_NOT_FOUND') return undefined
    throw error
  })
  await parser?.loadModule()
  if (parser === undefined) return undefined
  return (text) => {
    try {
      return parser.fingerprintSync(text)
    } catch {
      // A text that PostgreSQL refuses, or newer syntax than the parser's: it is still a text.
      return normalizeSql(text)
    }
  }
}

function cached(fingerprint: Fingerprint): Fingerprint {
  const known = new Map<string, string>()
  return (text) => {
    let found = known.get(text)
    if (found === undefined) {
      found = fingerprint(text)
      const [oldest] = known.keys()
      if (known.size === maxTexts && oldest !== undefined) known.delete(oldest)
      known.set(text, found)
    }
    return found
  }
}
