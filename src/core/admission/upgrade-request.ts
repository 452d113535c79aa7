import type { HandshakeRequest } from '../../on-handshake.ts'
import { answerDeflate } from '../../protocol/websocket/deflate-offer.ts'
import type { Headers } from '../../protocol/websocket/handshake.ts'
import { bearerToken, protocolToken } from './token.ts'

/** What a client asks: its headers, path and query, what it calls the host, and where it is. */
export interface UpgradeRequest {
  readonly headers: Headers
  readonly url: string
  readonly host: string | undefined
  readonly address: string
  readonly port: number
}

/** A sub-protocol that carries a token, and the others; undefined where none is asked for. */
export interface AskedProtocols {
  readonly names: readonly string[] | undefined
  readonly carrier: string | undefined
}

/** The sub-protocols that are asked for. */
export function askedProtocols (headers: Headers): AskedProtocols {
  const text = oneOf(headers['sec-websocket-protocol'])
  if (text === undefined) return { names: undefined, carrier: undefined }
  const names = text.split(',').map(name => name.trim())
  const carrier = names.find(name => protocolToken(name) !== undefined)
  if (carrier === undefined) return { names, carrier }
  const others = names.filter(name => name !== carrier)
  return { names: others.length === 0 ? undefined : others, carrier }
}

/** The answer to the extensions that are asked for, '' for none. */
export function askedDeflate (headers: Headers): string {
  return answerDeflate(oneOf(headers['sec-websocket-extensions']))
}

/** The same in the form that the application gets. */
export function handshakeRequest ({ headers, url, address, port }: UpgradeRequest, { names = [], carrier }: AskedProtocols): HandshakeRequest {
  const query = Object.fromEntries(new URLSearchParams(url.split('?').slice(1).join('?')))
  const token = bearerToken(headers.authorization as string | undefined) ?? protocolToken(carrier ?? '') ?? query.token ?? query.access_token
  return { headers, url, query, address, port, protocols: names, origin: originOf(headers), token }
}

/** Where the page comes from that asks. */
export function originOf (headers: Headers): string | undefined {
  return oneOf(headers.origin)
}

/** A header as one text, also where it was sent several times. */
function oneOf (header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(',') : header
}
