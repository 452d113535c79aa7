import type { FastifyRequest } from 'fastify'
import { isOriginAllowed } from '../src/core/admission/origin.ts'
import { isLoopback } from '../src/environment.ts'
import { HttpError } from './problem.ts'

/**
 * An onRequest hook for an API without a token on a loopback address: it does what tools and pages of this machine ask, but neither what
 * a page of another site has the browser ask (CSRF) nor what comes under another site's name (DNS rebinding).
 */
export async function ownMachineOnly ({ headers: { host = 'localhost', origin } }: FastifyRequest): Promise<void> {
  if (!isLoopback(nameOf(host)) || !isOriginAllowed(origin, host, undefined)) throw new HttpError(403, 'Without ADMIN_TOKEN only this machine may ask, by the name localhost or its address')
}

function nameOf (host: string): string {
  const url = `http://${host}`
  return URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, '') : ''
}
