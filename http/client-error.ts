import { STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'
import type { FastifyInstance } from 'fastify'
import { HttpError } from './http-error.ts'
import { countProblem, problemOf } from './problem.ts'

/** What Node reports instead of a request, and the response to it. */
const errors: Readonly<Record<string, HttpError>> = {
  ERR_HTTP_REQUEST_TIMEOUT: new HttpError(408, 'The request was not complete in time'),
  HPE_HEADER_OVERFLOW: new HttpError(431, 'The headers are too large')
}
const malformed = new HttpError(400, 'Malformed HTTP request')

/** Fastify's option `clientErrorHandler`: responds with a problem document to malformed or incomplete requests. */
export function answerClientError (this: FastifyInstance, error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || socket.destroyed) return
  this.log.trace({ err: error }, 'client error')
  writeProblem(socket, this.server, errors[error.code ?? ''] ?? malformed)
}

/** Responds to a client whose request does not reach Fastify, and closes its connection. */
export function writeProblem (socket: Socket, server: object, error: HttpError): void {
  const { status, headers, body } = closingResponse(server, error)
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`).join('')
  if (socket.writable) socket.write(`HTTP/1.1 ${status} ${STATUS_CODES[status]!}\r\n${lines}\r\n${body}`)
  socket.destroySoon()
}

/** A problem document as the last response of a connection; counts the error. */
export function closingResponse (server: object, error: HttpError) {
  const problem = problemOf(error)
  countProblem(server, problem.code)
  const body = JSON.stringify(problem)
  const headers = {
    Connection: 'close',
    'Content-Type': 'application/problem+json',
    'Content-Length': String(Buffer.byteLength(body)),
    ...error.headers
  }
  return { status: problem.status, headers, body }
}
