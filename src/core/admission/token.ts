const bearer = /^Bearer +(\S+)$/i
/** Pages cannot set headers, so they pass a token as an additional subprotocol. */
const tokenProtocol = /^base64url\.bearer\.authorization\.(?:k8s\.io\.)?([A-Za-z0-9_-]+)$/
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
  return url.replace(parameter, (whole, name: string) => isSecret(name) ? `${name}=***` : whole)
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
