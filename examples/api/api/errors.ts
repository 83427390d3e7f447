import type { FastifyError, FastifyInstance } from 'fastify'

/** An answer that is not 200: the status, and what the body says. */
export class ApiError extends Error {
  override readonly name: string = 'ApiError'
  readonly statusCode: number

  constructor(statusCode: number, message: string) {
    super(message)
    this.statusCode = statusCode
  }
}

export function notFound(what: string): ApiError {
  return new ApiError(404, `There is no ${what}.`)
}

export function badRequest(message: string): ApiError {
  return new ApiError(400, message)
}

/** What the builds say to a client that has asked too often: how long to wait is in a header. */
export function tooManyRequests(): ApiError {
  return new ApiError(
    429,
    'Too many requests from this address: Retry-After says in how many seconds the next one is welcome.',
  )
}

/** Gives every failure of an API one shape: `{ "error": { "status", "message" } }`. */
export function answerErrors(app: FastifyInstance): void {
  app.setNotFoundHandler((request, reply) => {
    reply.code(404).send(errorBody(404, `There is no ${request.method} ${request.url}.`))
  })
  app.setErrorHandler((error: FastifyError | ApiError, request, reply) => {
    const status = error.statusCode ?? 500
    if (status < 500) return reply.code(status).send(errorBody(status, error.message))
    request.log.error(error)
    return reply
      .code(500)
      .send(errorBody(500, 'Something went wrong here; it was not the request.'))
  })
}

/** The body of every answer that is not 200. */
export function errorBody(status: number, message: string) {
  return { error: { status, message } }
}
