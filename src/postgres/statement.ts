import { calledFunctions } from './called-functions.ts'
import { Habit } from './habit.ts'

/**
 * How a query may travel:
 * - `read`: alters nothing and leaves nothing behind on its connection, so others may be sent before
 *   its answer is there (pipelining), see {@link mayShare};
 * - `alone`: on a connection where nothing else is under way: what writes may wait for a lock, and
 *   whatever waited behind it would wait too, even for the transaction that holds the lock;
 * - `transaction`: has a meaning only on a borrowed client: what begins or ends a transaction, and what
 *   belongs to one session, such as `listen` or an advisory lock;
 * - `copy`: not as a text at all: its rows move beside the query, from or to somebody who streams them.
 */
export type Travel = 'read' | 'alone' | 'transaction' | 'copy'

/** What the pool knows of one query text. */
export interface Statement {
  readonly text: string
  /** What it is; a read that calls functions is `alone` until it is known that none of them writes. */
  travel: Travel
  /** The functions that a read calls and that may write, for all that its text tells. */
  readonly functions: readonly string[]
  /** Nothing is open about its functions. */
  isJudged: boolean
  /** Makes or alters functions, so that what is known of them is void. */
  readonly definesFunctions: boolean
  /** May be prepared: one statement, of a kind that PostgreSQL prepares. */
  readonly isPreparable: boolean
  /** Has all of its effect or none, also when it is cancelled. */
  readonly isAtomic: boolean
  /** Alters the session, whose connection nobody else may get afterwards. */
  readonly altersSession: boolean
  /** The name it is prepared under, from its second use on. */
  name: string | undefined
  /** How long it takes on the server. */
  readonly habit: Habit
}

const keyword = /^(?:\s|--[^\n]*(?:\n|$)|\/\*[^]*?\*\/|\()*([a-z]+)/i
const reads = new Set(['select', 'values', 'table', 'with'])
const writes = new Set(['insert', 'update', 'delete', 'merge'])
const transactionControl = new Set([
  'begin',
  'start',
  'commit',
  'end',
  'rollback',
  'abort',
  'savepoint',
  'release',
])
// On a pool nobody would hear the notifications, fetch from the cursor or be able to give the lock back.
const sessionBound = new Set(['listen', 'declare'])
const sessionLock = /\bpg_(?:try_)?advisory_lock\w*/i
const streamed = /\b(?:from\s+stdin|to\s+stdout)\b/i
// Settings, temporary tables and prepared statements stay when the query is over, also where they stand
// among several statements or in the body of a DO.
const comments = /--[^\n]*|\/\*[^]*?\*\//g
const sessionChange =
  /(?:^|;|\bbegin\b|\bthen\b|\bloop\b)\s*(?:set(?!\s+(?:local|transaction|constraints)\b)|reset|listen|prepare|load|discard)\b|\b(?:create|into)\s+(?:(?:global|local)\s+)?temp(?:orary)?\b|\b(?:set_config|pg_(?:try_)?advisory_lock\w*)\s*\(/i
const severalStatements = /;\s*\S/
const definition = /\b(?:function|routine|aggregate|extension|schema)\b/i
// What commits by itself on the way: procedures and anonymous blocks, maintenance of one table after
// the other, indexes built CONCURRENTLY, and a COMMIT among several statements.
const commitsInside = new Set(['call', 'do', 'vacuum', 'analyze', 'cluster', 'reindex'])
const commits = /\b(?:commit|end|concurrently|call|do)\b/i
// What is sent to another server is not undone with the statement that sent it.
const elsewhere = /\bdblink\w*\s*\(/i
/** The longest text that a pool remembers; {@link Statements} says why there is a limit. */
export const maxRememberedLength = 20_000
const none: readonly string[] = []
// What a statement that begins like a read may hold all the same: data-modifying WITH parts, row
// locks, and the best known functions that write, lock or alter the session; the server is asked about
// the others. A column called "delete" costs only speed.
const lastingEffect =
  /\b(?:insert|update|delete|merge|into|for\s+(?:no\s+key|key|share)|set_config|setval|nextval|pg_(?:try_)?advisory\w*|pg_cancel_backend|pg_terminate_backend|pg_notify|lo_\w+|lowrite|dblink\w*)\b/i

/** Reads from a text how it may travel. */
export function readStatement(text: string): Statement {
  const first = keyword.exec(text)?.[1]?.toLowerCase() ?? ''
  // PostgreSQL nests block comments and the pattern above does not: with two of them, who knows.
  const isClear = text.split('/*', 3).length < 3 && !severalStatements.test(text)
  const isPreparable = isClear && (reads.has(first) || writes.has(first))
  const looksLikeRead = isClear && reads.has(first) && !lastingEffect.test(text)
  // What is too long to be remembered never shares, whatever it calls.
  const functions =
    looksLikeRead && text.length <= maxRememberedLength ? calledFunctions(text) : none
  const isRead = looksLikeRead && functions !== undefined
  const isJudged = functions === undefined || functions.length === 0
  const needsClient =
    transactionControl.has(first) ||
    sessionBound.has(first) ||
    (reads.has(first) && sessionLock.test(text))
  return {
    text,
    travel: travelOf(first, isRead && isJudged, isClear && needsClient, text),
    functions: functions ?? none,
    isJudged,
    definesFunctions: !isRead && !isPreparable && definition.test(text),
    altersSession: !isRead && sessionChange.test(text.replace(comments, ' ')),
    isPreparable,
    isAtomic:
      (isPreparable || !(commitsInside.has(first) || commits.test(text))) && !elsewhere.test(text),
    name: undefined,
    habit: new Habit(),
  }
}

function travelOf(first: string, isRead: boolean, needsClient: boolean, text: string): Travel {
  if (first === 'copy' && streamed.test(text)) return 'copy'
  if (needsClient) return 'transaction'
  return isRead ? 'read' : 'alone'
}

/** A read shares its connection once it has shown itself quick. */
export function mayShare({ travel, habit }: Statement): boolean {
  return travel === 'read' && habit.isQuick
}

/** A read that is quick but for its stalls goes out in twos, where many wait: seldom does one stall. */
export function mayPair({ travel, habit }: Statement): boolean {
  return travel === 'read' && habit.isUneven
}
