import { GodotError } from '../../error.ts'

/** Longest request head in bytes, including the empty line (Godot's limit). */
export const MAX_REQUEST_HEAD = 4096

/** Head of an HTTP request: the target as received, and headers by lower-case name, repeated ones joined by a comma. */
export interface RequestHead { readonly target: string, readonly headers: Record<string, string> }

const requestLine = /^GET ([\x21-\x7e\x80-\xff]+) HTTP\/1\.1$/
// Names and values as in RFC 9110 sections 5.6.2 and 5.5: no space before the colon, no control characters except tabs.
// eslint-disable-next-line no-control-regex
const headerLine = /^([!#$%&'*+\-.^_`|~\w]+):[ \t]*([^\x00-\x08\x0a-\x1f\x7f]*)$/

/** Parses a request head without its empty line; throws bad-handshake unless it is a GET of HTTP/1.1. */
export function parseRequestHead (text: string): RequestHead {
  const lines = text.split('\r\n')
  const target = requestLine.exec(lines[0])?.[1]
  if (target === undefined) throw new GodotError('bad-handshake', 'expected a GET request of HTTP/1.1')
  const headers: Record<string, string> = Object.create(null)
  for (let at = 1; at < lines.length; at++) addHeader(headers, lines[at])
  return { target, headers }
}

function addHeader (headers: Record<string, string>, line: string): void {
  const found = headerLine.exec(line)
  if (found === null) throw new GodotError('bad-handshake', 'malformed header: expected `name: value`')
  const name = found[1].toLowerCase()
  const value = found[2].trimEnd()
  headers[name] = name in headers ? `${headers[name]},${value}` : value
}
