import { GodotError } from '../../error.ts'

/** Longest request head in bytes, including the empty line (Godot's limit). */
export const MAX_REQUEST_HEAD = 4096

/** Head of an HTTP request: the target as received, and headers by lower-case name, repeated ones as Node has them. */
export interface RequestHead { readonly target: string, readonly headers: Record<string, string> }

const requestLine = /^GET ([\x21-\x7e\x80-\xff]+) HTTP\/1\.1$/
// Names and values as in RFC 9110 sections 5.6.2 and 5.5: no space before the colon, no control characters except tabs.
const headerName = /^[!#$%&'*+\-.^_`|~\w]+$/
// oxlint-disable-next-line no-control-regex
const controls = /[\x00-\x08\x0a-\x1f\x7f]/

/** Parses a request head without its empty line; throws bad-handshake unless it is a GET of HTTP/1.1. */
export function parseRequestHead (text: string): RequestHead {
  const lines = text.split('\r\n')
  const target = requestLine.exec(lines[0])?.[1]
  if (target === undefined) throw wrongRequestLine()
  const headers: Record<string, string> = Object.create(null)
  for (let at = 1; at < lines.length; at++) addHeader(headers, lines[at])
  return { target, headers }
}

function addHeader (headers: Record<string, string>, line: string): void {
  const colon = line.indexOf(':')
  if (colon < 1 || controls.test(line)) throw malformed()
  const name = nameOf(line.slice(0, colon))
  let start = colon + 1
  let end = line.length
  while (isBlank(line[start])) start++
  while (end > start && isBlank(line[end - 1])) end--
  const value = line.slice(start, end)
  if (!(name in headers)) headers[name] = value
  else if (!firstCounts.has(name)) headers[name] += `${name === 'cookie' ? ';' : ','} ${value}`
}

function isBlank (character: string): boolean {
  return character === ' ' || character === '\t'
}

/** Headers of which Node keeps the first if they are repeated; it joins the others. */
const firstCounts = new Set([
  'age', 'authorization', 'content-length', 'content-type', 'etag', 'expires', 'from', 'host', 'if-modified-since',
  'if-unmodified-since', 'last-modified', 'location', 'max-forwards', 'proxy-authorization', 'referer', 'retry-after',
  'server', 'user-agent'
])

/** Names as clients write them, in lower case: checked once, not in every request. */
const MAX_NAMES = 100
const names = new Map<string, string>()

function nameOf (text: string): string {
  const known = names.get(text)
  if (known !== undefined) return known
  if (!headerName.test(text)) throw malformed()
  const name = text.toLowerCase()
  if (names.size < MAX_NAMES) names.set(text, name)
  return name
}

/** The request line is not that of an HTTP/1.1 GET; one without a version is HTTP/0.9. */
export function wrongRequestLine (): GodotError {
  return new GodotError('bad-handshake', 'expected a GET request of HTTP/1.1')
}

function malformed (): GodotError {
  return new GodotError('bad-handshake', 'malformed header: expected `name: value`')
}
