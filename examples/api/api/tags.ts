import type { Author, Question, QuestionList, UserPosts } from './contract.ts'

// What a cached response shows, under the names by which a write removes it: renaming a user
// changes every page with this author, a vote every page with the question's score. Nothing that a
// write changes is shown by `/api/stats/tags` and `/api/stats/tags/related`.

export function userTag(id: number): string {
  return `user:${id}`
}

export function questionTag(id: number): string {
  return `question:${id}`
}

export function ofUserPosts(userId: number, page: UserPosts | undefined): string[] {
  const questions = page?.posts.filter((post) => post.kind === 'question') ?? []
  return [userTag(userId), ...questions.map((post) => questionTag(post.id))]
}

export function ofQuestionList({ questions }: QuestionList): string[] {
  return [...questions.map(({ id }) => questionTag(id)), ...authorTags(questions)]
}

export function ofQuestion(id: number, page: Question | undefined): string[] {
  const posts = page === undefined ? [] : [page, ...page.answers]
  const comments = posts.flatMap((post) => post.comments)
  return [questionTag(id), ...authorTags([...posts, ...comments])]
}

function authorTags(written: { author: Author }[]): string[] {
  return [...new Set(written.flatMap(({ author }) => (author ? [userTag(author.id)] : [])))]
}
