const MIN_LENGTH = 32

/** What is wrong with an admin token, undefined when nothing is. In production (NODE_ENV) it must be long. */
export function tokenFault (token: string, nodeEnv: string | undefined = process.env.NODE_ENV): string | undefined {
  if (token.trim() === '') return 'must not be empty'
  if (nodeEnv === 'production' && token.length < MIN_LENGTH) {
    return `must have at least ${MIN_LENGTH} characters in production`
  }
  return undefined
}
