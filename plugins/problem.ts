import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { errors, GodotError } from '../src/error.ts'

/** The body of every error answer: RFC 9457, with our stable `code` and Godot's Error number where there is one. */
export const Problem = Type.Object({
  type: Type.String({ description: 'URI of the kind of problem', examples: ['about:blank'] }),
  title: Type.String({ description: 'The kind of problem, in words' }),
  status: Type.Integer({ description: 'HTTP status' }),
  detail: Type.String({ description: 'What is wrong in this case' }),
  instance: Type.Optional(Type.String({ description: 'Id of the request, as in the log' })),
  code: Type.String({ description: 'Stable code: the name of Godot\'s Error, or a name in kebab case', examples: ['ERR_DOES_NOT_EXIST', 'bad-request'] }),
  godotError: Type.Optional(Type.Integer({ description: 'Godot\'s Error number' })),
  errors: Type.Optional(Type.Array(Type.Object({
    pointer: Type.String({ description: 'JSON pointer to the culprit, led by the part of the request', examples: ['/body/code'] }),
    message: Type.String({ description: 'What is wrong with it', examples: ['must be integer'] })
  }), { description: 'What in the request does not fit its schema' }))
}, { description: 'RFC 9457 problem' })

export type Problem = Static<typeof Problem>

/** What in a request is wrong: a JSON pointer to it, led by the part of the request, and why. */
export interface Culprit { readonly pointer: string, readonly message: string }

/** A request that does not fit its schema. */
export class BadRequest extends Error {
  readonly statusCode = 400
  readonly errors: readonly Culprit[]

  constructor (errors: readonly Culprit[]) {
    super(errors.map(({ pointer, message }) => `${pointer} ${message}`).join(', '))
    this.name = 'BadRequest'
    this.errors = errors
  }
}

const retryAfterSeconds = 1

/** Answers with the problem that `error` is: on a 401 with the way to get in, on a 503 with the time to come back. */
export async function sendProblem (error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const problem = problemOf(error, request.id)
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer')
  if (problem.status === 503) reply.header('retry-after', retryAfterSeconds)
  if (problem.status >= 500 && problem.status !== 503) request.log.error({ err: error }, problem.detail)
  return await reply.code(problem.status).type('application/problem+json').send(problem)
}

/** What an error says in the form of RFC 9457; what is no failure of the request is told to nobody outside. */
export function problemOf (error: unknown, instance?: string): Problem {
  const { message, statusCode: status = 500 } = error as Partial<FastifyError>
  const code = error instanceof GodotError ? error.code : kebab(titles[status] ?? 'Error')
  const godotError = error instanceof GodotError ? error.number : undefined
  return {
    type: 'about:blank',
    title: error instanceof GodotError ? errors[error.code].message : titles[status] ?? 'Error',
    status,
    detail: status === 500 ? 'The server failed; see its log' : String(message),
    ...(instance === undefined ? {} : { instance }),
    code,
    ...(godotError === undefined ? {} : { godotError }),
    ...(error instanceof BadRequest ? { errors: [...error.errors] } : {})
  }
}

const titles: Record<number, string> = {
  400: 'Bad request',
  401: 'Unauthorized',
  404: 'Not found',
  405: 'Method not allowed',
  413: 'Payload too large',
  415: 'Unsupported media type',
  500: 'Internal server error',
  503: 'Unavailable'
}

function kebab (title: string): string {
  return title.toLowerCase().replaceAll(' ', '-')
}
