import type { FastifyInstance, HTTPMethods } from 'fastify'
import { HttpError } from './problem.ts'

const methods: HTTPMethods[] = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE']

/** From here on notes the routes of the scope; call what it returns at the end, and a wrong method is answered with 405 and the right ones. */
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
  const refuse = async (): Promise<never> => { throw new HttpError(405, `Allowed here: ${allow}`, { allow }) }
  // A hook, since it comes before the body is read.
  app.route({ url, method: methods.filter(method => !allowed.includes(method)), schema: { hide: true }, onRequest: refuse, handler: refuse })
}
