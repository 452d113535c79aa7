import type { FastifyError, FastifyReply, FastifyRequest } from 'fastify'
import Type, { type Static } from 'typebox'
import { errors, GodotError, godotNumber } from '../src/error.ts'
import type { ErrorCode } from '../src/error.ts'

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
    pointer: Type.String({ description: 'JSON pointer to the culprit, led by the part of the request' }),
    message: Type.String()
  }), { description: 'What in the request does not fit its schema' }))
}, { description: 'RFC 9457 problem' })

export type Problem = Static<typeof Problem>

const retryAfterSeconds = 1

/** Answers with the problem that `error` is; on a 503 with the time to come back. */
export async function sendProblem (error: unknown, request: FastifyRequest, reply: FastifyReply): Promise<FastifyReply> {
  const problem = problemOf(error, request.id)
  if (problem.status === 503) reply.header('retry-after', retryAfterSeconds)
  if (problem.status >= 500 && problem.status !== 503) request.log.error({ err: error }, problem.detail)
  return await reply.code(problem.status).type('application/problem+json').send(problem)
}

/** What an error says in the form of RFC 9457; what is no failure of the request is told to nobody outside. */
export function problemOf (error: unknown, instance?: string): Problem {
  const { message, statusCode = 500, validation, validationContext } = error as Partial<FastifyError>
  const code = codeOf(error, statusCode)
  return {
    type: 'about:blank',
    title: code in errors ? errors[code as ErrorCode].message : titles[statusCode] ?? 'Error',
    status: statusCode,
    detail: statusCode === 500 ? 'The server failed; see its log' : String(message),
    ...(instance === undefined ? {} : { instance }),
    code,
    ...(code in errors && godotNumber(code as ErrorCode) !== undefined ? { godotError: godotNumber(code as ErrorCode) } : {}),
    ...(validation === undefined
      ? {}
      : { errors: validation.map(({ instancePath, message = '', params }) => ({ pointer: `/${validationContext ?? 'body'}${instancePath}${culprit(params)}`, message })) })
  }
}

const titles: Record<number, string> = {
  400: 'Bad request',
  401: 'Unauthorized',
  404: 'Not found',
  413: 'Payload too large',
  415: 'Unsupported media type',
  500: 'Internal server error',
  503: 'Unavailable'
}

function codeOf (error: unknown, status: number): string {
  if (error instanceof GodotError) return error.code
  return (titles[status] ?? 'error').toLowerCase().replaceAll(' ', '-')
}

/** Of a member that is missing or unknown Ajv gives the name beside the path. */
function culprit (params: Record<string, unknown>): string {
  const name = params.missingProperty ?? params.additionalProperty
  return name === undefined ? '' : `/${String(name)}`
}
