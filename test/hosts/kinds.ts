import type { HostKind } from './host-kind.ts'
import { content } from './kinds/content.ts'
import { frameworks } from './kinds/frameworks.ts'
import { guards } from './kinds/guards.ts'
import { settings } from './kinds/settings.ts'
import { sockets } from './kinds/sockets.ts'

/** Every kind of host that the package is mounted in, in groups. */
export const kinds: Readonly<Record<string, readonly HostKind[]>> = {
  'Fastify itself': settings,
  Guards: guards,
  'Requests and responses': content,
  'Frameworks and utilities': frameworks,
  'Sockets of the host': sockets
}
