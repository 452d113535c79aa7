const MIN_LENGTH = 32

/** What is wrong with a token that guards the administration, undefined when nothing is: in production (NODE_ENV) it must be long. */
export function tokenFault (token: string, nodeEnv: string | undefined = process.env.NODE_ENV): string | undefined {
  if (token.trim() === '') return 'is empty'
  if (nodeEnv === 'production' && token.length < MIN_LENGTH) return `needs at least ${MIN_LENGTH} characters in production`
  return undefined
}
