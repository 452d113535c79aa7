import type { Role } from '../../src/named-token.ts'
import { isReadOnly } from '../../src/admin/read-only.ts'

declare module 'fastify' {
  interface FastifyContextConfig {
    /** Role of the token that the route requires, where it does not follow from the method. */
    role?: Role
  }
}

/** The role that a route of the REST API requires: `read` to read, else `operate` unless its config says otherwise. */
export function requiredRole (
  method: string | readonly string[] | undefined, { role }: { readonly role?: Role } = {}
): Role {
  return role ?? ([method].flat().every(one => isReadOnly(one ?? 'GET')) ? 'read' : 'operate')
}
