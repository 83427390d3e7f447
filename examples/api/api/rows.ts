import type {
  Author,
  Comment,
  Question,
  QuestionList,
  QuestionSummary,
  UserPost,
  UserPosts,
} from './contract.ts'
import { cursorAfter } from './cursor.ts'
import { pageSize } from './sql.ts'

// From the rows of `sql` to what the routes answer.

interface Authored {
  authorId: number | null
  authorName: string | null
}

export type UserPostRow = Omit<UserPost, 'author'> & Authored
export type QuestionRow = Omit<QuestionSummary, 'author'> & Authored
export type ThreadRow = Omit<Question, 'author' | 'comments' | 'answers'> &
  Authored & { kind: string; comments: CommentRow[] | null }
/** Null where there are no questions. */
export type QuestionTagsRow = { questions: string | null }
type CommentRow = Omit<Comment, 'author' | 'createdAt'> & Authored & { createdAt: string }

/** Undefined where there is no such user. */
export function userPosts(rows: (UserPostRow | NoPostRow)[]): UserPosts | undefined {
  if (rows.length === 0) return undefined
  const { items, nextCursor } = page(rows.filter((row) => row.id !== null))
  return { posts: items.map(withAuthor), nextCursor }
}

/** A user without a post on this page. */
type NoPostRow = { [key in keyof Omit<UserPostRow, keyof Authored>]: null } & Authored

export function questionList(rows: QuestionRow[]): QuestionList {
  const { items, nextCursor } = page(rows)
  return { questions: items.map(withAuthor), nextCursor }
}

/** Undefined where there is no such question. */
export function question(rows: ThreadRow[]): Question | undefined {
  const [first, ...rest] = rows.map(withComments)
  return first?.kind === 'question' ? { ...first, answers: rest } : undefined
}

function withComments(row: ThreadRow) {
  const comments = row.comments ?? []
  return { ...withAuthor(row), comments: comments.map(withTime).map(withAuthor) }
}

/** Within JSON, PostgreSQL writes a time as text in a format of its own. */
function withTime(comment: CommentRow) {
  return { ...comment, createdAt: new Date(comment.createdAt) }
}

function page<T extends { createdAt: Date; id: number }>(rows: T[]) {
  const items = rows.slice(0, pageSize)
  const last = items.at(-1)
  const nextCursor = rows.length > pageSize && last !== undefined ? cursorAfter(last) : null
  return { items, nextCursor }
}

function withAuthor<T extends Authored>(row: T): T & { author: Author } {
  const { authorId: id, authorName: name } = row
  return { ...row, author: id === null || name === null ? null : { id, name } }
}
