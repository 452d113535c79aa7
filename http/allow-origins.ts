import type { FastifyCorsOptions } from '@fastify/cors'
import type { FastifyInstance } from 'fastify'
import { matchesOrigin } from '../src/origin-pattern.ts'
import { isolated } from './isolated.ts'
import { notFound } from './problem.ts'

/** Seconds that a browser may remember a preflight response. */
const PREFLIGHT_AGE = 600

/** What pages of other origins may do. */
export type CrossOriginUse = Pick<FastifyCorsOptions, 'methods' | 'allowedHeaders' | 'exposedHeaders'>

/** Option `origin` of a part: `true` or `*` for all origins, patterns, or `false` for none. */
export type OriginOption = boolean | string | readonly string[] | undefined

/**
 * Lets pages of these origins use the routes of the scope (CORS). Unless `origin` is set, @fastify/cors of the host
 * applies if it has any. Call it before adding hooks that refuse requests, so that pages can read why, and preflight
 * requests pass.
 */
export async function allowOrigins (app: FastifyInstance, origin: OriginOption, use: CrossOriginUse): Promise<void> {
  if (origin === undefined) return
  const options = origin !== false && corsOptions(origin === true ? ['*'] : [origin].flat(), use)
  // In a route's config these override the host's @fastify/cors, which cannot be registered again in a child scope.
  app.addHook('onRoute', route => { route.config = Object.assign(route.config ?? {}, { cors: options }) })
  if (app.hasRequestDecorator('corsPreflightEnabled')) app.options('*', isolated({ schema: { hide: true } }), notFound)
  else if (options !== false) {
    const { default: cors } = await import('@fastify/cors')
    await app.register(cors, options)
  }
}

function corsOptions (patterns: readonly string[], use: CrossOriginUse): FastifyCorsOptions {
  return {
    origin: patterns.includes('*')
      ? '*'
      : (text, callback) => { callback(null, patterns.some(pattern => matchesOrigin(pattern, text ?? ''))) },
    ...use,
    credentials: false,
    maxAge: PREFLIGHT_AGE,
    strictPreflight: false
  }
}
