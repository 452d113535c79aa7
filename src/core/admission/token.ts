/** Shown in place of a token. */
export const MASK = '***'

const bearer = /^Bearer +(\S+)$/i
/** Pages cannot set headers, so they pass a token as an additional subprotocol. */
const tokenProtocol = /^base64url\.bearer\.authorization\.(?:k8s\.io\.)?([A-Za-z0-9_-]+)$/
/** A token in the value of a header. */
const tokenInHeader = /\b(Bearer +|base64url\.bearer\.authorization\.(?:k8s\.io\.)?)[^\s,]+/gi
const parameter = /(?<=[?&])([^?&=#]*)=[^&#]*/g
const secretNames = new Set(['token', 'access_token'])

/** The token of an `Authorization` header. */
export function bearerToken (authorization: string | undefined): string | undefined {
  return bearer.exec(authorization ?? '')?.[1]
}

/** The token that a subprotocol carries; undefined for every other subprotocol. */
export function protocolToken (protocol: string): string | undefined {
  const encoded = tokenProtocol.exec(protocol)?.[1]
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64url').toString()
}

/** A URL for logs: tokens in its query are masked. */
export function withoutTokens (url: string): string {
  if (!url.includes('=')) return url
  return url.replace(parameter, (whole, name: string) => isSecret(name) ? `${name}=${MASK}` : whole)
}

/** A text for logs: a URL, the query of one without its `?`, or the value of a header; tokens in it are masked. */
export function withoutTokensIn (text: string): string {
  return withoutTokens(`?${withoutTokens(text)}`).slice(1).replace(tokenInHeader, `$1${MASK}`)
}

/** Whether a parameter of this name carries a token. */
export function isTokenName (name: string): boolean {
  return secretNames.has(name.toLowerCase())
}

/** The name may be percent-encoded. */
function isSecret (name: string): boolean {
  const [decoded = ''] = new URLSearchParams(name).keys()
  return isTokenName(decoded)
}
