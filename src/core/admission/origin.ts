/** What option `allowedOrigins` may be. */
export type AllowedOrigins = '*' | readonly string[] | undefined

/**
 * Whether a page of this origin may connect: without an origin (no browser) always, else by the list, and without a list when the page
 * comes from the host that is asked, on whichever port.
 */
export function isOriginAllowed (origin: string | undefined, host: string | undefined, allowed: AllowedOrigins): boolean {
  if (origin === undefined || allowed === '*') return true
  if (allowed !== undefined) return allowed.some(one => one === '*' || one.toLowerCase() === origin.toLowerCase())
  const asked = hostOf(`http://${host ?? ''}`)
  return asked !== undefined && hostOf(origin) === asked
}

function hostOf (url: string): string | undefined {
  return URL.canParse(url) ? new URL(url).hostname : undefined
}
