import type { FastifyRequest } from 'fastify'
import { isLoopbackHost } from '../src/address-range.ts'
import { isOriginAllowed } from '../src/core/admission/origin.ts'
import { HttpError } from './http-error.ts'

/** Headers that proxies add: with one of them a request may come from anywhere, whatever its Host says. */
const proxyHeader = /^(forwarded|via|x-real-ip|x-forwarded-.*|x-client-ip|true-client-ip|cf-connecting-ip)$/

/**
 * An onRequest hook for an API without a token on a loopback address: accepts requests of tools and pages on this
 * machine, but none that a page of another site makes the browser send (CSRF), that come under another host name (DNS
 * rebinding), or that came through a proxy.
 */
export async function ownMachineOnly ({ headers }: FastifyRequest): Promise<void> {
  const { host = 'localhost', origin } = headers
  if (Object.keys(headers).some(name => proxyHeader.test(name))) {
    throw new HttpError(403, 'Without ADMIN_TOKEN requests through a proxy are not allowed')
  }
  if (!isLoopbackHost(nameOf(host)) || !isOriginAllowed(origin, host, undefined)) {
    throw new HttpError(403, 'Without ADMIN_TOKEN only localhost is allowed')
  }
}

function nameOf (host: string): string {
  const url = `http://${host}`
  return URL.canParse(url) ? new URL(url).hostname.replace(/^\[|\]$/g, '') : ''
}
