import type { HandshakeRequest } from '../../on-handshake.ts'
import { acceptDeflate } from '../../protocol/websocket/deflate-offer.ts'
import type { AcceptedDeflate } from '../../protocol/websocket/deflate-offer.ts'
import { oneText } from '../../protocol/websocket/upgrade.ts'
import type { Headers } from '../../protocol/websocket/upgrade.ts'
import { bearerToken, protocolToken } from './token.ts'

/** A client's request for a WebSocket. */
export interface UpgradeRequest {
  readonly headers: Headers
  /** Request target: path and query as received. */
  readonly url: string
  /** Host the client asked for, with port. */
  readonly host: string | undefined
  /** The room that a router has found in `url`; without one it is read from there. */
  readonly room?: string | undefined
  /** Canonical address and port of the client. */
  readonly address: string
  readonly port: number
  /** Header lines for the 101 response, each with its CRLF. */
  readonly responseHeaders?: string
  /** Id of the trace that the request belongs to (OpenTelemetry), for the log. */
  readonly traceId?: string | undefined
}

/**
 * The requested subprotocols: `carrier` is the one that holds a token, `names` are the others, undefined without any.
 */
export interface RequestedProtocols {
  readonly names: readonly string[] | undefined
  readonly carrier: string | undefined
}

/** The subprotocols that a client requests. */
export function requestedProtocols (headers: Headers): RequestedProtocols {
  const text = oneText(headers['sec-websocket-protocol'])
  if (text === undefined) return { names: undefined, carrier: undefined }
  const names = text.split(',').map(name => name.trim())
  const carrier = names.find(name => protocolToken(name) !== undefined)
  if (carrier === undefined) return { names, carrier }
  const others = names.filter(name => name !== carrier)
  return { names: others.length === 0 ? undefined : others, carrier }
}

/** What can be accepted of the client's offers of permessage-deflate, undefined for nothing. */
export function acceptableDeflate (headers: Headers): AcceptedDeflate | undefined {
  return acceptDeflate(oneText(headers['sec-websocket-extensions']))
}

/** The request in the form that option `onHandshake` gets; `room` is the one that the client asks for. */
export function handshakeRequest (request: UpgradeRequest, room: string): HandshakeRequest {
  const { headers, url, address, port } = request
  const { names = [], carrier } = requestedProtocols(headers)
  const query = Object.fromEntries(new URLSearchParams(url.split('?').slice(1).join('?')))
  const token = bearerToken(headers.authorization as string | undefined) ?? protocolToken(carrier ?? '') ??
    query.token ?? query.access_token
  return { headers, url, query, address, port, protocols: names, room, origin: originOf(headers), token }
}

/** Origin of the page that sends the request, undefined outside of browsers. */
export function originOf (headers: Headers): string | undefined {
  return oneText(headers.origin)
}
