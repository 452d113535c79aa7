import { type Role, roles } from '../named-token.ts'

const order = Object.keys(roles)

/** Whether a role allows what requires another. */
export function allows (role: Role, required: Role): boolean {
  return order.indexOf(role) >= order.indexOf(required)
}
