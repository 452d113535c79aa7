import type { FastifyRequest } from 'fastify'

const HEADER = 'x-forwarded-prefix'
const plainPrefix = /^(\/[\w.~!$&'()+,;=@%-]+)+$/

/** The part of the path that trusted proxies have stripped, such as `/game`; '' without one. */
export function forwardedPrefix ({ headers, ips }: FastifyRequest): string {
  // With `trustProxy` it has the proxy, and behind it what the proxy tells; otherwise nobody is trusted.
  if (ips === undefined || ips.length < 2) return ''
  // The outermost proxy comes first, and stripped first.
  const prefixes = [headers[HEADER] ?? []].flat().join(',').split(',').map(prefix => prefix.trim().replace(/\/$/, ''))
  const prefix = prefixes.join('')
  return plainPrefix.test(prefix) ? prefix : ''
}
