import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { countProblem, HttpError, problemOf } from './problem.ts'

/** What Node reports instead of a request, and the response to it. */
const errors: Readonly<Record<string, HttpError>> = {
  ERR_HTTP_REQUEST_TIMEOUT: new HttpError(408, 'The request was not complete in time'),
  HPE_HEADER_OVERFLOW: new HttpError(431, 'The headers are too large')
}
const malformed = new HttpError(400, 'Malformed HTTP request')

/** Fastify's option `clientErrorHandler`: responds with a problem document to malformed or incomplete requests. */
export function answerClientError (this: FastifyInstance, error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  const problem = problemOf(errors[error.code ?? ''] ?? malformed)
  const { status, code } = problem
  countProblem(this.server, code)
  this.log.trace({ err: error }, 'client error')
  const body = JSON.stringify(problem)
  if (socket.writable) {
    socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]!}\r\nContent-Type: application/problem+json\r\n` +
      `Content-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`)
  }
  socket.destroySoon()
}
