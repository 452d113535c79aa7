import type { FastifyPluginAsync } from 'fastify'
import { isolated } from '../http/isolated.ts'
import { ownScope } from '../http/own-scope.ts'
import { Problem, problem } from '../http/problem.ts'
import { shareSchemas } from '../http/document/shared-schema.ts'
import { GodotError } from '../src/error.ts'
import { defaultOptions } from '../src/options/defaults.ts'
import { servicePaths } from '../src/service-paths.ts'
import { checkedOptions, serverNames } from '../src/options/part-options.ts'
import { Type } from '../src/typebox.ts'
import { serverOf } from './server-of.ts'

/** Options of `health`. */
export interface HealthOptions {
  /** Names of the servers that must be ready: their options `name`; default: `peerServer`. */
  readonly servers?: readonly string[]
}

const Options = Type.Object({ servers: serverNames }, { additionalProperties: false })

/** Plugin `health` of the package, which imports this file when it is registered. */
const health: FastifyPluginAsync<HealthOptions> = async (app, given) => {
  const { servers: names = [defaultOptions.name] }: HealthOptions = checkedOptions('health', Options, given)
  const servers = names.map(name => serverOf(app, name, 'health'))
  ownScope(app)
  shareSchemas(app, Problem)
  app.get(servicePaths.health, isolated({
    schema: {
      operationId: 'healthz',
      summary: 'Liveness',
      description: 'Whether the process responds. If not, the process manager should restart it.',
      tags: ['health'],
      response: { 200: Type.Object({ ok: Type.Literal(true) }, { description: 'The process is alive' }) }
    }
  }), async () => ({ ok: true }))

  app.get(servicePaths.readiness, isolated({
    schema: {
      operationId: 'readyz',
      summary: 'Readiness',
      description: 'Whether a client would be accepted now. A load balancer sends clients elsewhere if not.',
      tags: ['health'],
      response: {
        200: Type.Object({ ready: Type.Literal(true) }, { description: 'All servers accept new peers' }),
        503: problem('A server is not listening, refuses new connections, is full or stopping, or has lost its cluster',
          new GodotError('not-listening'))
      }
    }
  }), async () => {
    for (const server of servers) server.checkJoin()
    return { ready: true }
  })
}

export default health
