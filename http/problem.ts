import { STATUS_CODES } from 'node:http'
import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import { GodotError } from '../src/error.ts'
import { isTemporary, problemOfGodotError, RETRY_AFTER_SECONDS } from '../src/transport/refusal.ts'
import { Type, type Static } from '../src/typebox.ts'
import { ref } from './document/shared-schema.ts'
import { BadRequest, HttpError } from './http-error.ts'

/** Errors of HTTP by status: their stable code and meaning. Any other status has its name in kebab-case as code. */
export const httpErrors: Readonly<Record<number, readonly [code: string, meaning: string]>> = {
  400: ['bad-request', 'The request does not match its schema, or is not valid HTTP; `errors` names the invalid parts'],
  401: ['unauthorized', 'Missing or wrong token'],
  403: ['forbidden', 'The role of the token does not allow this, or without tokens the request is not local'],
  404: ['not-found', 'Nothing is at this path; also for OPTIONS, and for methods that Fastify does not know'],
  405: ['method-not-allowed', 'The path has other methods; `Allow` lists them'],
  406: ['not-acceptable', '`Accept` excludes the only media type'],
  408: ['request-timeout', 'The request was not complete in time'],
  413: ['payload-too-large', 'The body is too large'],
  414: ['uri-too-long', 'The query has too many parameters, or a parameter in the path is too long'],
  415: ['unsupported-media-type', 'The content type of the body is not supported'],
  429: ['too-many-requests', 'Too many connections from this address, or a rate limit of the host app is exceeded'],
  431: ['request-header-fields-too-large', 'The headers are too large'],
  500: ['internal-server-error', 'A bug, or a failure of the application; the log has details'],
  503: ['service-unavailable', 'A limit of the server is reached; try again later']
}

/** Error responses of each HTTP server, by code. */
const counts = new WeakMap<object, Record<string, number>>()

/** The numbers of error responses of an HTTP server since its start, by code. */
export function problemCounts (server: object): Record<string, number> {
  const existing = counts.get(server)
  if (existing !== undefined) return existing
  const created = {}
  counts.set(server, created)
  return created
}

/** Counts an error response. */
export function countProblem (server: object, code: string): void {
  const byCode = problemCounts(server)
  byCode[code] = (byCode[code] ?? 0) + 1
}

/** Body of every error response: RFC 9457, with our stable `code` and Godot's Error number where there is one. */
export const Problem = Type.Object({
  type: Type.String({ description: 'URI of the problem type', examples: ['about:blank'] }),
  title: Type.String({ description: 'The problem type in words' }),
  status: Type.Integer({ description: 'HTTP status' }),
  detail: Type.String({ description: 'What is wrong in this case' }),
  instance: Type.Optional(Type.String({ description: 'Id of the request, as in the log' })),
  code: Type.String({
    description: 'Stable code: the name of Godot\'s Error, or a kebab-case name',
    examples: ['ERR_DOES_NOT_EXIST', 'bad-request']
  }),
  godotError: Type.Optional(Type.Integer({ description: 'Godot\'s Error number' })),
  errors: Type.Optional(Type.Array(Type.Object({
    pointer: Type.String({
      description: 'JSON pointer to the invalid value, starting with the part of the request',
      examples: ['/body/code']
    }),
    message: Type.String({ description: 'What is wrong with it', examples: ['must be integer'] })
  }), { description: 'Parts of the request that do not match its schema; at most eight' }))
}, { $id: 'PeerServer.Problem', description: 'Problem details (RFC 9457)' })

export type Problem = Static<typeof Problem>

/** An error response for the schema of a route: its meaning, and an error as example. */
export function problem (description: string, error: Error) {
  return { description, content: problemContent(problemOf(error, 'req-1')) }
}

/** Content of an error response for the schema of a route. */
export function problemContent (example: object) {
  return { 'application/problem+json': { schema: ref(Problem), example } }
}

/** Characters of a path that a response or a log line repeats. */
export const MAX_PATH = 200

/**
 * Responds with `error` as a problem document, with its `headers`; a 401 names an authentication scheme, a 429 or 503
 * has Retry-After.
 */
export async function sendProblem (
  error: unknown,
  request: FastifyRequest,
  reply: FastifyReply
): Promise<FastifyReply> {
  // A hook of the host may set the status on the reply only.
  const problem = problemOf(error, request.id, reply.statusCode >= 400 ? reply.statusCode : 500)
  const { headers } = error as { readonly headers?: Readonly<Record<string, string>> }
  if (typeof headers === 'object' && headers !== null) reply.headers(headers)
  // A hook of the host may ask for other credentials.
  if (problem.status === 401 && !reply.hasHeader('www-authenticate')) reply.header('www-authenticate', 'Bearer')
  if (isTemporary(problem.status) && !reply.hasHeader('retry-after')) {
    reply.header('retry-after', RETRY_AFTER_SECONDS)
  }
  countProblem(request.server.server, problem.code)
  if (problem.status >= 500 && problem.status !== 503) request.log.error({ err: error }, problem.detail)
  // As text, so that no serializer or preSerialization hook of the host changes it.
  return await reply.code(problem.status).type('application/problem+json').send(JSON.stringify(problem))
}

/** Handler for unknown paths. */
export async function notFound (request: FastifyRequest): Promise<never> {
  const path = request.url.split('?', 1)[0]
  const hint = /\/bans\/[^/]+\/\d+$/.test(path) ? '; the / of a range is written as %2F' : ''
  throw new HttpError(404, `Not found: ${path.slice(0, MAX_PATH)}${hint}`)
}

/** An error as a problem document (RFC 9457). Details of internal errors are not disclosed. */
export function problemOf (error: unknown, instance?: string, otherwise: number = 500): Problem {
  if (error instanceof GodotError) return problemOfGodotError(error, instance)
  const { message, status: plain, statusCode } = error as Partial<FastifyError & Problem>
  const status = [statusCode, plain, otherwise].find(isErrorStatus) ?? 500
  const name = STATUS_CODES[status] ?? 'Error'
  return {
    type: 'about:blank',
    title: name,
    status,
    detail: status === 500 ? 'Internal error; see the log of the server' : message ?? name,
    ...(instance === undefined ? {} : { instance }),
    code: httpErrors[status]?.[0] ?? name.toLowerCase().replaceAll(' ', '-'),
    ...(error instanceof BadRequest ? { errors: [...error.errors] } : {})
  }
}

/** An error of the host may have any `statusCode`, and a text as `status`. */
function isErrorStatus (status: unknown): status is number {
  return Number.isInteger(status) && Number(status) >= 400 && Number(status) <= 599
}
