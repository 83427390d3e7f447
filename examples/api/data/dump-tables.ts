import type { XmlRow } from 'hotpath/stream'
import type { IdSet } from './id-set.ts'

/** Thrown where a row holds something that its table cannot take. */
export class UnreadableRow extends Error {
  override readonly name: string = 'UnreadableRow'
}

/** What one column of a row may hold on its way into PostgreSQL. */
export type Value = string | number | null

/** One file of a dump, and the table that it fills. */
export interface DumpTable {
  readonly file: string
  readonly table: 'users' | 'posts' | 'comments' | 'votes'
  readonly columns: readonly string[]
  /** The values of a row in the order of `columns`. The first one is the id. */
  read(row: XmlRow, users: IdSet): [id: number, ...rest: Value[]]
}

/** In the order in which they are loaded: an owner must be known before a post names it. */
export const dumpTables: readonly DumpTable[] = [
  {
    file: 'Users.xml',
    table: 'users',
    columns: ['id', 'name', 'reputation', 'location', 'website', 'about', 'created_at'],
    read: (row) => [
      integer(row, 'Id'),
      text(row, 'DisplayName'),
      integer(row, 'Reputation'),
      optionalText(row, 'Location'),
      optionalText(row, 'WebsiteUrl'),
      optionalText(row, 'AboutMe'),
      utcTime(row, 'CreationDate'),
    ],
  },
  {
    file: 'Posts.xml',
    table: 'posts',
    columns: [
      'id',
      'kind',
      'status',
      'parent_id',
      'owner_id',
      'title',
      'body',
      'tags',
      'score',
      'view_count',
      'answer_count',
      'created_at',
    ],
    read(row, users) {
      const kind = postKind(row)
      return [
        integer(row, 'Id'),
        kind,
        kind === 'other' ? 'hidden' : 'published',
        kind === 'answer' ? integer(row, 'ParentId') : null,
        knownUser(row, 'OwnerUserId', users),
        optionalText(row, 'Title'),
        text(row, 'Body'),
        tagArray(row),
        integer(row, 'Score'),
        optionalInteger(row, 'ViewCount') ?? 0,
        optionalInteger(row, 'AnswerCount') ?? 0,
        utcTime(row, 'CreationDate'),
      ]
    },
  },
  {
    file: 'Comments.xml',
    table: 'comments',
    columns: ['id', 'post_id', 'author_id', 'text', 'score', 'created_at'],
    read: (row, users) => [
      integer(row, 'Id'),
      integer(row, 'PostId'),
      knownUser(row, 'UserId', users),
      text(row, 'Text'),
      optionalInteger(row, 'Score') ?? 0,
      utcTime(row, 'CreationDate'),
    ],
  },
  {
    file: 'Votes.xml',
    table: 'votes',
    columns: ['id', 'post_id', 'type', 'created_at'],
    read: (row) => [
      integer(row, 'Id'),
      integer(row, 'PostId'),
      voteType(row),
      utcTime(row, 'CreationDate'),
    ],
  },
]

/** Tag wikis, nominations and the like are kept, but are no part of questions and answers. */
function postKind(row: XmlRow): 'question' | 'answer' | 'other' {
  const type = integer(row, 'PostTypeId')
  if (type === 1) return 'question'
  return type === 2 ? 'answer' : 'other'
}

function voteType(row: XmlRow): number {
  const type = integer(row, 'VoteTypeId')
  if (type < 0 || type > 32_767) throw new UnreadableRow(`VoteTypeId ${type} is out of range`)
  return type
}

/** Dumps name users that are gone, and -1 for the site itself: neither is anybody's post. */
function knownUser(row: XmlRow, attribute: string, users: IdSet): number | null {
  const id = optionalInteger(row, attribute)
  return id !== undefined && id > 0 && users.has(id) ? id : null
}

/** `<a><b>` in older dumps, `|a|b|` in newer ones, as PostgreSQL writes an array: `{"a","b"}`. */
function tagArray(row: XmlRow): string {
  const names = new Set((optionalText(row, 'Tags') ?? '').split(/[<>|]+/))
  names.delete('')
  return `{${[...names].map((name) => `"${name.replace(/["\\]/g, '\\$&')}"`).join(',')}}`
}

function text(row: XmlRow, attribute: string): string {
  return row[attribute] ?? missing(attribute)
}

function optionalText(row: XmlRow, attribute: string): string | null {
  return row[attribute] ?? null
}

function integer(row: XmlRow, attribute: string): number {
  return optionalInteger(row, attribute) ?? missing(attribute)
}

function optionalInteger(row: XmlRow, attribute: string): number | undefined {
  const written = row[attribute]
  if (written === undefined) return undefined
  const value = Number(written)
  if (!/^-?[0-9]+$/.test(written) || Math.trunc(value) !== (value | 0)) {
    throw new UnreadableRow(`${attribute} is no 32-bit integer: ${written.slice(0, 40)}`)
  }
  return value
}

const timePattern =
  /^(?!0000)[0-9]{4}-(?:0[1-9]|1[0-2])-([0-3][0-9])T(?:[01][0-9]|2[0-3])(?::[0-5][0-9]){2}(?:\.[0-9]+)?$/

/** Dumps write UTC and do not say so. */
function utcTime(row: XmlRow, attribute: string): string {
  const written = row[attribute] ?? missing(attribute)
  const day = Number(timePattern.exec(written)?.[1])
  // Every month has 28 days; whether this one has more is Date's to say, by not moving on.
  const isTime = day >= 1 && (day <= 28 || new Date(`${written}Z`).getUTCDate() === day)
  if (!isTime) throw new UnreadableRow(`${attribute} is no time: ${written.slice(0, 40)}`)
  return `${written}Z`
}

function missing(attribute: string): never {
  throw new UnreadableRow(`the row has no ${attribute}`)
}
