import { STATUS_CODES } from 'node:http'
import { errors, GodotError } from '../error.ts'

const RETRY_AFTER_SECONDS = 1

/** The HTTP answer to a handshake that is refused: an RFC 9457 problem, after which the connection ends. */
export function refusalAnswer (error: GodotError): Buffer {
  const { statusCode: status, code, message } = error
  const problem = { type: 'about:blank', title: errors[code].message, status, detail: message, code, godotError: error.number }
  const body = Buffer.from(JSON.stringify(problem))
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? 'Refused'}`,
    'Connection: close',
    'Content-Type: application/problem+json',
    `Content-Length: ${body.length}`,
    ...(status === 426 ? ['Upgrade: websocket'] : []),
    ...(status === 503 || status === 429 ? [`Retry-After: ${RETRY_AFTER_SECONDS}`] : []),
    '', ''
  ]
  return Buffer.concat([Buffer.from(lines.join('\r\n')), body])
}
