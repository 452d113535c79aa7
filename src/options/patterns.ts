/**
 * Names of rooms and of nodes, which are segments of URL paths. Case-sensitive. `.` and `..` are not allowed, as they
 * have another meaning there.
 */
export const namePattern = '^([A-Za-z0-9_.-]{3,64}|\\.?[A-Za-z0-9_-]|[A-Za-z0-9_-][A-Za-z0-9_.-])$'
export const namespacePattern = '^[A-Za-z0-9_-]{1,32}$'
/** Names of Fastify decorators. */
export const identifierPattern = '^[A-Za-z_]\\w*$'
export const pathPattern = '^/'
/** What the URLs of rooms begin with. */
export const publicUrlPattern = '^wss?://[^/?#@\\s]+(/[^/?#\\s]+)*$'
export const durationPattern = '^[1-9]\\d* ?(ms|s|seconds?|m|minutes?|h|hours?)$'

/** A token of HTTP, as the names of subprotocols are (RFC 6455, section 4.1). */
export const tokenPattern = "^[\\w!#$%&'*+.^`|~-]+$"

const rules: Readonly<Record<string, string>> = {
  [namePattern]: 'must be 1 to 64 letters, digits, underscores, hyphens or dots, and not just one or two dots',
  [namespacePattern]: 'must be 1 to 32 letters, digits, underscores or hyphens',
  [identifierPattern]: 'must be letters, digits and underscores, and not begin with a digit',
  [pathPattern]: 'must begin with /',
  [publicUrlPattern]: 'must be a ws or wss URL such as wss://game.example, without a query and without / at the end',
  [durationPattern]: 'must be a time such as 500 ms, 30 s or 1 minute',
  [tokenPattern]: 'must be a name without spaces, commas or other separators'
}

/** What a text must be to match a pattern, in words. */
export function patternRule (pattern: string): string {
  return rules[pattern]
}
