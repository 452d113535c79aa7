const bearer = /^Bearer +(\S+)$/i
/** How a page hands over a token, which cannot set headers: as a sub-protocol, beside one that can be agreed on. */
const tokenProtocol = /^base64url\.bearer\.authorization\.(?:k8s\.io\.)?([A-Za-z0-9_-]+)$/
const parameter = /(?<=[?&])([^?&=#]*)=[^&#]*/g
const secretNames = new Set(['token', 'access_token'])

/** The token in a header `Authorization`. */
export function bearerToken (authorization: string | undefined): string | undefined {
  return bearer.exec(authorization ?? '')?.[1]
}

/** The token in a sub-protocol; undefined for every other sub-protocol. */
export function protocolToken (protocol: string): string | undefined {
  const encoded = tokenProtocol.exec(protocol)?.[1]
  return encoded === undefined ? undefined : Buffer.from(encoded, 'base64url').toString()
}

/** A URL as it may stand in a log: without the tokens of its query. */
export function withoutTokens (url: string): string {
  return url.replace(parameter, (whole, name: string) => isSecret(name) ? `${name}=***` : whole)
}

/** Whether a parameter of this name carries a token. */
export function isTokenName (name: string): boolean {
  return secretNames.has(name.toLowerCase())
}

/** A name may be escaped as well. */
function isSecret (name: string): boolean {
  const [decoded = ''] = new URLSearchParams(name).keys()
  return isTokenName(decoded)
}
