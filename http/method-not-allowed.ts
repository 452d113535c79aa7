import type { FastifyInstance, HTTPMethods } from 'fastify'
import { isolated } from './isolated.ts'
import { HttpError } from './problem.ts'

const methods: HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

/**
 * Records the routes of the scope from here on; the returned function adds 405 responses, with the allowed methods, for
 * all other methods.
 */
export function watchMethods (app: FastifyInstance): () => void {
  const routed = new Map<string, Set<HTTPMethods>>()
  app.addHook('onRoute', ({ routePath, method }) => {
    const known = routed.get(routePath) ?? new Set()
    for (const one of [method].flat() as HTTPMethods[]) known.add(one)
    routed.set(routePath, known)
  })
  return () => { for (const [url, known] of [...routed]) refuseOthers(app, url, [...known]) }
}

function refuseOthers (app: FastifyInstance, url: string, allowed: HTTPMethods[]): void {
  const allow = allowed.join(', ')
  const refuse = async (): Promise<never> => {
    throw new HttpError(405, `Method not allowed; allowed: ${allow}`, { allow })
  }
  // A hook, because it runs before the body is read.
  app.route({
    ...isolated({}),
    url,
    method: methods.filter(method => !allowed.includes(method)),
    schema: { hide: true },
    onRequest: refuse,
    handler: refuse
  })
}
