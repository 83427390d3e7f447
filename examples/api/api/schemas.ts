// What the routes take and give. All builds answer through these, so that Fastify writes the same
// keys in the same order, whatever the objects hold besides.

const integer = { type: 'integer' }
const string = { type: 'string' }
const time = { type: 'string', format: 'date-time' }
const optionalString = { type: 'string', nullable: true }

// PostgreSQL stores every character but NUL.
const input = { type: 'string', pattern: '^[^\\u0000]*$' }

function object(properties: Record<string, object>) {
  return { type: 'object', required: Object.keys(properties), properties }
}

function list(items: object) {
  return { type: 'array', items }
}

const author = { ...object({ id: integer, name: string }), nullable: true }

const user = object({
  id: integer,
  name: string,
  reputation: integer,
  location: optionalString,
  website: optionalString,
  about: optionalString,
  questionCount: integer,
  answerCount: integer,
  createdAt: time,
})

const userPost = object({
  id: integer,
  kind: string,
  questionId: integer,
  title: string,
  score: integer,
  createdAt: time,
  author,
})

const questionSummary = object({
  id: integer,
  title: string,
  tags: list(string),
  score: integer,
  viewCount: integer,
  answerCount: integer,
  createdAt: time,
  author,
})

const comment = object({ id: integer, text: string, score: integer, createdAt: time, author })

const answer = object({
  id: integer,
  body: string,
  score: integer,
  createdAt: time,
  author,
  comments: list(comment),
})

const question = object({
  id: integer,
  title: string,
  body: string,
  tags: list(string),
  score: integer,
  viewCount: integer,
  createdAt: time,
  author,
  comments: list(comment),
  answers: list(answer),
})

const tagStats = object({
  tag: string,
  questions: integer,
  unanswered: integer,
  answers: integer,
  views: integer,
  askers: integer,
  latestAt: time,
})

const tagRelations = object({
  tag: string,
  questions: integer,
  related: list(object({ tag: string, questions: integer, similarity: { type: 'number' } })),
})

const account = object({ site: string, reputation: integer })

const data = object({ users: integer, questions: integer, answers: integer, comments: integer })

// Ids are read by `readId`, whose message is clearer than a schema's.
const params = object({ id: string })
const cursor = { ...string, maxLength: 64 }

/** One for each route. */
export const schemas = {
  user: { params, response: { 200: user } },
  userPosts: {
    params,
    querystring: { type: 'object', properties: { cursor } },
    response: { 200: object({ posts: list(userPost), nextCursor: optionalString }) },
  },
  questions: {
    querystring: {
      type: 'object',
      properties: { tag: { ...input, maxLength: 100 }, cursor },
    },
    response: { 200: object({ questions: list(questionSummary), nextCursor: optionalString }) },
  },
  question: { params, response: { 200: question } },
  accounts: {
    params,
    response: { 200: object({ accounts: list(account), unavailable: list(string) }) },
  },
  data: { response: { 200: data } },
  tagStats: { response: { 200: object({ tags: list(tagStats) }) } },
  relatedTags: { response: { 200: object({ tags: list(tagRelations) }) } },
  vote: {
    params,
    body: object({ value: { type: 'integer', enum: [1, -1] } }),
    response: { 200: object({ questionId: integer, score: integer }) },
  },
  rename: {
    params,
    body: object({ name: { ...input, minLength: 1, maxLength: 100 } }),
    response: { 200: user },
  },
}
