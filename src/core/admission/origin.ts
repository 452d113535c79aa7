import { matchesOrigin } from '../../origin-pattern.ts'

/** Values of option `allowedOrigins`. */
export type AllowedOrigins = '*' | readonly string[] | undefined

/**
 * Whether a page of this origin may connect: always without an origin (no browser), otherwise by the list. Without a
 * list the page must come from the host that the client asked for, on any port.
 */
export function isOriginAllowed (
  origin: string | undefined, host: string | undefined, allowed: AllowedOrigins
): boolean {
  if (origin === undefined || allowed === '*') return true
  if (allowed !== undefined) return allowed.some(pattern => matchesOrigin(pattern, origin))
  const requested = hostnameOf(`http://${host ?? ''}`)
  return requested !== undefined && hostnameOf(origin) === requested
}

function hostnameOf (url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined
}
