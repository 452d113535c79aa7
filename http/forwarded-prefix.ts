import type { FastifyRequest } from 'fastify'

const HEADER = 'x-forwarded-prefix'
const plainPrefix = /^(\/[\w.~!$&'()+,;=@%-]+)+$/

/** The part of the path that trusted proxies have stripped, such as `/game`; '' without one. */
export function forwardedPrefix ({ headers, ips }: FastifyRequest): string {
  // Without `trustProxy` it is undefined; with it, the socket comes first, then what trusted proxies report.
  if (ips === undefined || ips.length < 2) return ''
  // The outermost proxy comes first: it stripped its prefix first.
  const prefixes = [headers[HEADER] ?? []].flat().join(',').split(',').map(prefix => prefix.trim().replace(/\/$/, ''))
  const prefix = prefixes.join('')
  return plainPrefix.test(prefix) ? prefix : ''
}
