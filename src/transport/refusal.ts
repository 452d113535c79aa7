import { STATUS_CODES } from 'node:http'
import type { ServerResponse } from 'node:http'
import { errors, GodotError } from '../error.ts'

/** Seconds after which a client that a limit has refused may try again: `Retry-After`. */
export const RETRY_AFTER_SECONDS = 1

/** Whether responses with this status have `Retry-After`. */
export function isTemporary (status: number): boolean {
  return status === 503 || status === 429
}

/** The HTTP response to a refused handshake: an RFC 9457 problem, after which the connection closes. */
interface Refusal {
  readonly status: number
  readonly reason: string
  /** Alternating names and values. */
  readonly headers: string[]
  readonly body: Buffer
}

/** The refusal as bytes, for a connection without an HTTP server. */
export function refusalBytes (error: GodotError): Buffer {
  const { status, reason, headers, body } = refusalOf(error)
  let head = `HTTP/1.1 ${status} ${reason}\r\n`
  for (let at = 0; at < headers.length; at += 2) head += `${headers[at]}: ${headers[at + 1]}\r\n`
  return Buffer.concat([Buffer.from(`${head}\r\n`, 'latin1'), body])
}

/**
 * Sends the refusal through a response of an HTTP server: in exactly those bytes, or over HTTP/2, which has no upgrades
 * (RFC 9113 section 8.6), without the reason phrase and what concerns the connection.
 */
export function sendRefusal (response: ServerResponse, error: GodotError): void {
  const { status, reason, headers, body } = refusalOf(error)
  response.sendDate = false
  if (response.req.httpVersionMajor === 2) {
    for (let at = 0; at < headers.length; at += 2) {
      if (!ofConnection.has(headers[at])) response.setHeader(headers[at], headers[at + 1])
    }
    response.writeHead(status)
  } else response.writeHead(status, reason, headers)
  response.end(body)
}

/** Headers that HTTP/2 forbids (RFC 9113 section 8.2.2). */
const ofConnection = new Set(['Connection', 'Upgrade'])

/** An error as a problem document (RFC 9457); `instance` is the id of the request. */
export function problemOfGodotError (error: GodotError, instance?: string) {
  const { statusCode: status, code, message: detail, number } = error
  return {
    type: 'about:blank',
    title: errors[code].message,
    status,
    detail,
    ...(instance === undefined ? {} : { instance }),
    code,
    ...(number === undefined ? {} : { godotError: number })
  }
}

function refusalOf (error: GodotError): Refusal {
  const { statusCode: status } = error
  const body = Buffer.from(JSON.stringify(problemOfGodotError(error)))
  const headers =
    ['Connection', 'close', 'Content-Type', 'application/problem+json', 'Content-Length', String(body.length)]
  if (status === 426) headers.push('Upgrade', 'websocket')
  if (isTemporary(status)) headers.push('Retry-After', String(RETRY_AFTER_SECONDS))
  return { status, reason: STATUS_CODES[status] ?? 'Refused', headers, body }
}
