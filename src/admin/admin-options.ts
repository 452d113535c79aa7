import { GodotError } from '../error.ts'
import { defaultOptions } from '../options/defaults.ts'
import { type Role, roles } from '../named-token.ts'
import { checkedOptions, operationIdPrefix, originOption } from '../options/part-options.ts'
import { sameTokenFault, tokenFault } from '../token-fault.ts'
import { Type } from '../typebox.ts'
import type { AdminOptions as PlainOptions, NamedToken as PlainToken } from './admin-option-types.ts'

const isFalse = (value: unknown): boolean => value === false

const Token = Type.String({ description: 'Bearer token: printable ASCII, at least 32 characters in production' })

/** A token and its owner, as the audit log names it. */
export const NamedToken = Type.Object({
  name: Type.String({ minLength: 1, description: 'Owner of the token, as the audit log names it' }),
  token: Token,
  role: Type.Optional(Type.Enum(Object.keys(roles) as Role[], {
    description: `What the token allows: ${Object.entries(roles).map(([name, what]) => `\`${name}\`: ${what}`)
      .join('; ')}. Default: \`admin\``
  }))
}, { additionalProperties: false })

export type NamedToken = PlainToken

/** Every option of `adminRoutes`: type, limits and meaning. Either `token` or `auth: false` is required. */
export const AdminOptions = Type.Object({
  token: Type.Optional(Type.Union([Token, Type.Array(NamedToken)], {
    description: 'One token, or several with their owners: `[{ name, token, role }]`'
  })),
  auth: Type.Optional(Type.Refine(Type.Unsafe<false>({
    type: 'boolean',
    description: '`false`: the host guards the scope itself'
  }), isFalse, () => 'must be false')),
  origin: originOption('the REST API'),
  server: Type.Optional(Type.String({ description: 'Name of the server to administer: its option `name`' })),
  operationIdPrefix,
  security: Type.Optional(Type.Array(Type.Record(Type.String(), Type.Array(Type.String())), {
    description:
      'OpenAPI security requirement of the routes, by the name of a security scheme of the host: `[{ adminToken: [] }]`'
  })),
  eventHistory: Type.Optional(Type.Integer({
    minimum: 0,
    maximum: 1 << 24,
    description:
      'Events kept for clients that reconnect to `/events`; 0: none. Several `adminRoutes` of one server share them; ' +
      'the largest number counts'
  })),
  eventHistoryBytes: Type.Optional(Type.Integer({
    minimum: 0,
    description: 'Memory that these events may take, in bytes (estimated)'
  })),
  maxEventStreams: Type.Optional(Type.Integer({
    minimum: 0,
    maximum: 1 << 16,
    description: 'Maximum concurrent readers of `/events`'
  }))
}, { additionalProperties: false })

export type AdminOptions = PlainOptions

/** Defaults of `adminRoutes`. */
export const defaultAdminOptions = {
  server: defaultOptions.name,
  eventHistory: 10_000,
  eventHistoryBytes: 16 << 20,
  maxEventStreams: 128
} as const satisfies AdminOptions

/** The options with their defaults; throws ERR_INVALID_PARAMETER, which names the wrong one. */
export function parseAdminOptions (given: object): AdminOptions & typeof defaultAdminOptions {
  const options: AdminOptions = checkedOptions('adminRoutes', AdminOptions, given)
  const { token, auth } = options
  if (auth !== false && namedTokens(token).length === 0) {
    throw invalid('adminRoutes', 'set option `token`, or `auth: false` if the host guards the scope itself')
  }
  checkTokens('adminRoutes', options)
  return { ...defaultAdminOptions, ...options } as AdminOptions & typeof defaultAdminOptions
}

/** Named tokens of option `token`. */
export function namedTokens (token: AdminOptions['token'] = []): readonly NamedToken[] {
  return typeof token === 'string' ? [{ name: 'admin', token }] : token
}

/** Throws ERR_INVALID_PARAMETER for a token that is too short or given twice, or that `auth: false` makes useless. */
export function checkTokens (part: string, { token, auth }: Pick<AdminOptions, 'token' | 'auth'>): void {
  if (token === undefined) return
  if (auth === false) throw invalid(part, 'option `token` has no effect with `auth: false`: set one of them')
  const tokens = namedTokens(token)
  if (tokens.length === 0) throw invalid(part, 'option `token` needs at least one token')
  for (const [at, { name, token: secret }] of tokens.entries()) {
    const fault = tokenFault(secret)
    if (fault !== undefined) throw invalid(part, `the token of ${name} ${fault}`)
    const same = sameTokenFault(tokens, at)
    if (same !== undefined) throw invalid(part, same)
  }
}

function invalid (part: string, message: string): GodotError {
  return new GodotError('ERR_INVALID_PARAMETER', `${part}: ${message}`)
}
