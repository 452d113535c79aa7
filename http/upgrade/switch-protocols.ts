import type { OutgoingHttpHeaders } from 'node:http'
import type { FastifyReply } from 'fastify'

/** Bytes of header lines: Godot's clients accept 4096 bytes of a response in all. */
const MAX_BYTES = 3072

/** Headers that concern the connection or a body; those of the handshake are the server's own. */
const ownHeaders = new Set([
  'connection', 'keep-alive', 'proxy-connection', 'proxy-authenticate', 'te', 'trailer', 'transfer-encoding', 'upgrade',
  'content-length', 'content-type', 'content-encoding', 'content-range'
])
const namePattern = /^[!#$%&'*+\-.^_`|~\dA-Za-z]+$/
const valuePattern = /^[\t\x20-\x7e\x80-\xff]*$/

/**
 * Runs a 101 through the host's hooks (including onSend) and calls back with its header lines, which the caller writes.
 * A response that a hook sends instead, such as an error, is sent.
 */
export function switchProtocols (reply: FastifyReply, send: (headerLines: string) => void): void {
  const { raw } = reply
  const { writeHead, end } = raw
  let headers: OutgoingHttpHeaders | undefined
  // V8 makes a function old at once where it is assigned to a property directly, and what an old object refers to
  // survives young garbage collections: the request and the whole connection.
  const keepHead = (status: number, ...given: unknown[]): unknown => {
    if (status !== 101) return Reflect.apply(writeHead, raw, [status, ...given])
    headers = { ...raw.getHeaders(), ...given[0] as OutgoingHttpHeaders }
    return raw
  }
  const finish = (...given: unknown[]): unknown => {
    if (headers === undefined) return Reflect.apply(end, raw, given)
    Object.assign(raw, { writeHead, end })
    reply.hijack()
    send(headerLines(headers))
    return raw
  }
  Object.assign(raw, { writeHead: keepHead, end: finish })
  reply.code(101).send()
}

/** Lines for the headers that a 101 may have, as many as fit. */
function headerLines (headers: OutgoingHttpHeaders): string {
  let lines = ''
  for (const [name, values] of Object.entries(headers)) {
    if (!isAllowed(name)) continue
    for (const value of [values].flat()) {
      const line = `${name}: ${value}\r\n`
      if (valuePattern.test(String(value)) && lines.length + line.length <= MAX_BYTES) lines += line
    }
  }
  return lines
}

function isAllowed (name: string): boolean {
  const lower = name.toLowerCase()
  return !ownHeaders.has(lower) && !lower.startsWith('sec-websocket-') && namePattern.test(name)
}
