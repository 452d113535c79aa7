/** What a token allows, each including those before it. */
export const roles = {
  read: 'see everything',
  operate: 'also disconnect peers, send packets, and change rooms and bans',
  admin: 'also change settings, and start and stop the server'
} as const

/** Role of a token. */
export type Role = keyof typeof roles

const order = Object.keys(roles)

/** Whether a role allows what requires another. */
export function allows (role: Role, required: Role): boolean {
  return order.indexOf(role) >= order.indexOf(required)
}
