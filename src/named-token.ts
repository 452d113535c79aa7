/** What a token of the REST API allows, each role including those before it. */
export const roles = {
  read: 'see everything',
  operate: 'also disconnect peers, send packets, and change rooms and bans',
  admin: 'also change settings, and start, stop and drain the server'
} as const

/** Role of a token. */
export type Role = keyof typeof roles

const form = /^([^:\s]+):([^:\s]+):(\S+)$/

/** A token of the service from its text `name:role:token`. */
export function parseNamedToken (text: string): { name: string, role: Role, token: string } {
  const [, name, role, token] = form.exec(text)!
  return { name, role: role as Role, token }
}

/** What is wrong with the text of a named token, undefined when nothing is. The message does not repeat the token. */
export function namedTokenFault (text: string): string | undefined {
  const [, name, role] = form.exec(text) ?? []
  if (name === undefined) return 'expected name:role:token'
  return Object.hasOwn(roles, role)
    ? undefined
    : `${name}: unknown role ${role}; expected ${Object.keys(roles).join(', ')}`
}
