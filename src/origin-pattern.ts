const origin = /^([a-z][a-z0-9+.-]*):\/\/([^/?#@\s]+)$/i
const defaultPorts: Record<string, string> = { 'http:': ':80', 'https:': ':443' }

/**
 * What is wrong with an entry of option `allowedOrigins`, undefined when nothing is: expected `*`, `null`, or an origin
 * as browsers send it, whose first label may be `*`.
 */
export function originFault (text: unknown): string | undefined {
  if (typeof text !== 'string') return 'must be string'
  if (text === '*' || text === 'null') return undefined
  if (!text.includes('://')) return `origin ${text}: missing scheme; expected e.g. https://${text.replace(/\/.*$/, '')}`
  const [, scheme, host] = origin.exec(text) ?? []
  if (host === undefined) return `origin ${text}: expected scheme, host and port only${hint(text)}`
  const rest = host.startsWith('*.') ? host.slice(2) : host
  if (rest.includes('*')) {
    return `origin ${text}: a wildcard must be the whole first label, e.g. ${scheme}://*.game.example`
  }
  return undefined
}

/**
 * Whether an origin, as a browser sends it, matches an entry of option `allowedOrigins`; `*.` stands for exactly one
 * label.
 */
export function matchesOrigin (pattern: string, text: string): boolean {
  if (pattern === '*') return true
  const [expected, actual] = [canonical(pattern), canonical(text)]
  const at = expected.indexOf('://*.')
  if (at < 0) return expected === actual
  const [scheme, domain] = [expected.slice(0, at + 3), expected.slice(at + 4)]
  if (!actual.startsWith(scheme) || !actual.endsWith(domain)) return false
  return /^[^./:]+$/.test(actual.slice(scheme.length, actual.length - domain.length))
}

function hint (text: string): string {
  const [found] = /^[a-z][a-z0-9+.-]*:\/\/[^/?#@\s]+/i.exec(text) ?? []
  return found === undefined ? '' : `, e.g. ${found}`
}

/** In lower case, without the default port of its scheme. */
function canonical (text: string): string {
  const lower = text.toLowerCase()
  const port = defaultPorts[lower.slice(0, lower.indexOf('//'))]
  return port !== undefined && lower.endsWith(port) ? lower.slice(0, -port.length) : lower
}
