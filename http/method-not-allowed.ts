import type { FastifyInstance, HTTPMethods } from 'fastify'
import { isolated } from './isolated.ts'
import { HttpError } from './http-error.ts'

/**
 * Records the routes of the scope from here on; the returned function adds 405 responses, with the allowed methods, for
 * all other methods that the app routes; to methods that only Node parses, such as PROPFIND, Fastify responds with 404.
 * OPTIONS is left to @fastify/cors of the host, whose route for it matches every path.
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
    method: (app.supportedMethods as HTTPMethods[])
      .filter(method => method !== 'OPTIONS' && !allowed.includes(method)),
    schema: { hide: true },
    onRequest: refuse,
    handler: refuse
  })
}
