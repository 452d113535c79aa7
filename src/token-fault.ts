const MIN_LENGTH = 32
/** Characters that all clients send unchanged in a header; others they encode in different ways, or refuse. */
const sendable = /^[\x21-\x7e]([\x20-\x7e]*[\x21-\x7e])?$/

/**
 * What is wrong with an admin token, undefined when nothing is. In production (NODE_ENV), or where other machines
 * can send it (`isPublic`), it must be long.
 */
export function tokenFault (
  token: string, { nodeEnv = process.env.NODE_ENV, isPublic = false }: { nodeEnv?: string, isPublic?: boolean } = {}
): string | undefined {
  if (token.trim() === '') return 'must not be empty'
  if (!sendable.test(token)) return 'must consist of printable ASCII characters, and neither begin nor end with a space'
  if (token.length >= MIN_LENGTH) return undefined
  if (isPublic) return `must have at least ${MIN_LENGTH} characters unless HOST is a loopback address`
  return nodeEnv === 'production' ? `must have at least ${MIN_LENGTH} characters in production` : undefined
}

/** Says that a token has the same secret as an earlier one, which alone would apply; undefined if it has not. */
export function sameTokenFault (
  tokens: ReadonlyArray<{ readonly name: string, readonly token: string }>, at: number
): string | undefined {
  const { name, token } = tokens[at]
  const first = tokens.findIndex(other => other.token === token)
  return first < at ? `the tokens of ${tokens[first].name} and ${name} are the same` : undefined
}
