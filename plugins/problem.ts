import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { errors, GodotError } from '../src/error.ts'
import { ref } from './shared-schema.ts'

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
}, { $id: 'PeerServer.Problem', description: 'What went wrong (RFC 9457)' })

export type Problem = Static<typeof Problem>

/** A status whose answer is a problem, for the `response` of a route: what it means, and an error that leads to it. */
export function problem (description: string, error?: Error, instance: string = 'req-1') {
  const example = error === undefined ? {} : { example: problemOf(error, instance === '' ? undefined : instance) }
  return { description, content: { 'application/problem+json': { schema: ref(Problem), ...example } } }
}

/** What in a request is wrong: a JSON pointer to it, led by the part of the request, and why. */
export interface RequestFault { readonly pointer: string, readonly message: string }

/** A failure that only HTTP knows: its status, and headers that go with it. */
export class HttpError extends Error {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>

  constructor (statusCode: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.name = 'HttpError'
    this.statusCode = statusCode
    this.headers = headers
  }
}

/** A request that does not fit its schema. */
export class BadRequest extends HttpError {
  readonly errors: readonly RequestFault[]

  constructor (errors: readonly RequestFault[]) {
    super(400, errors.map(({ pointer, message }) => `${pointer} ${message}`).join(', '))
    this.errors = errors
  }
}

const retryAfterSeconds = 1

/** Answers with the problem that `error` is: on a 401 with the way to get in, on a 503 with the time to come back. */
export async function sendProblem (error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const problem = problemOf(error, request.id)
  if (error instanceof HttpError) reply.headers(error.headers)
  if (problem.status === 401) reply.header('www-authenticate', 'Bearer')
  if (problem.status === 503) reply.header('retry-after', retryAfterSeconds)
  if (problem.status >= 500 && problem.status !== 503) request.log.error({ err: error }, problem.detail)
  return await reply.code(problem.status).type('application/problem+json').send(problem)
}

/** A handler for what is not there. */
export async function notFound (request: FastifyRequest): Promise<never> {
  throw new HttpError(404, `There is no ${request.url.split('?', 1)[0]}`)
}

/** What an error says in the form of RFC 9457; what is no failure of the request is told to nobody outside. */
function problemOf (error: unknown, instance?: string): Problem {
  const { message, statusCode: status = 500 } = error as Partial<FastifyError>
  const name = STATUS_CODES[status] ?? 'Error'
  const known = error instanceof GodotError ? error : undefined
  return {
    type: 'about:blank',
    title: known === undefined ? name : errors[known.code].message,
    status,
    detail: status === 500 ? 'The server failed; see its log' : message ?? name,
    ...(instance === undefined ? {} : { instance }),
    code: known?.code ?? name.toLowerCase().replaceAll(' ', '-'),
    ...(known?.number === undefined ? {} : { godotError: known.number }),
    ...(error instanceof BadRequest ? { errors: [...error.errors] } : {})
  }
}
