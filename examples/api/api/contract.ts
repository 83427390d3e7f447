import type { FastifyInstance, FastifyServerOptions } from 'fastify'

/** What every build is made of. */
export interface BuildOptions {
  databaseUrl: string
  /** Keeps cached responses in Redis as well; without it, in the memory of the process. */
  redisUrl?: string | undefined
  /** Where the other sites of the network are; without it there is no route that asks them. */
  networkUrl?: string | undefined
  /** For uploads, and what is to be done with them; without it there is no route that takes any. */
  dataFolder?: string | undefined
  /**
   * The hotpath build judges its routes by budgets. Off where it is compared with the usual build, which
   * has nothing like it.
   */
  isJudged?: boolean | undefined
  logger?: FastifyServerOptions['logger']
}

/** Makes the API, ready to listen. Closing the instance closes all that it opened. */
export type Build = (options: BuildOptions) => Promise<FastifyInstance>

/** The builds, by the names of their files in `builds/`. */
export const buildNames = ['naive', 'usual', 'hotpath'] as const

export type BuildName = (typeof buildNames)[number]

export interface User {
  id: number
  name: string
  reputation: number
  location: string | null
  website: string | null
  about: string | null
  questionCount: number
  answerCount: number
  createdAt: Date
}

/** Who wrote something; null where the account is gone. */
export type Author = { id: number; name: string } | null

export interface UserPost {
  id: number
  kind: 'question' | 'answer'
  /** The question that this is, or answers. */
  questionId: number
  title: string
  score: number
  createdAt: Date
  author: Author
}

export interface UserPosts {
  posts: UserPost[]
  /** For `?cursor=`; null on the last page. */
  nextCursor: string | null
}

export interface QuestionSummary {
  id: number
  title: string
  tags: string[]
  score: number
  viewCount: number
  answerCount: number
  createdAt: Date
  author: Author
}

export interface QuestionList {
  questions: QuestionSummary[]
  nextCursor: string | null
}

export interface Comment {
  id: number
  text: string
  score: number
  createdAt: Date
  author: Author
}

export interface Answer {
  id: number
  body: string
  score: number
  createdAt: Date
  author: Author
  /** The oldest first. */
  comments: Comment[]
}

export interface Question {
  id: number
  title: string
  body: string
  tags: string[]
  score: number
  viewCount: number
  createdAt: Date
  author: Author
  comments: Comment[]
  /** The best first. */
  answers: Answer[]
}

/** How much the API has to tell of. */
export interface DataCounts {
  users: number
  questions: number
  answers: number
  comments: number
}

export interface Vote {
  questionId: number
  score: number
}
