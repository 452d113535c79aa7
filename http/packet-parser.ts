import { isUtf8 } from 'node:buffer'
import type { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { internalsOf } from '../src/core/server/internals.ts'
import type { WebSocketServer } from '../src/core/server/websocket-server.ts'
import { variantFromJson } from '../src/protocol/variant/variant-json.ts'
import type { VariantCodec } from '../src/protocol/variant/variant-codec.ts'
import { BadRequest, HttpError, unsupportedType } from './http-error.ts'

/** Bytes beyond the limit that are still read, so that a client that sends too much can read the response. */
const MAX_EXCESS = 1 << 20
/** Maximum size of a Variant as JSON, which is larger than its bytes. */
const MAX_JSON = 1 << 20

/** Content type of a Variant as JSON. */
export const variantType = 'application/vnd.godot.variant+json'

/** A body that is one packet: its bytes, and whether they are text. */
export interface PacketBody { readonly bytes: Buffer, readonly isText: boolean }

/** Godot 3: first byte of a packet that clients deliver as `network_peer_packet` (rpc-packet.ts: raw). */
const NETWORK_PEER_PACKET = 4

/**
 * The bytes to send for a body. Clients of Godot 3 in multiplayer mode take a packet for a remote call unless its first
 * byte says otherwise; `isRaw` leaves that byte out.
 */
export function bytesToSend (server: WebSocketServer, { bytes }: PacketBody, isRaw: boolean): Buffer {
  const { gdMpApi, wire } = server.options
  if (isRaw || !gdMpApi || wire !== 'godot3') return bytes
  checkSize(bytes.length, server.maxDataSize - 1)
  return Buffer.concat([Uint8Array.of(NETWORK_PEER_PACKET), bytes])
}

/**
 * Parses bodies of the scope as packets: application/octet-stream, text/plain or a Variant as JSON, and no other
 * content type.
 */
export function parsePackets (app: FastifyInstance, server: WebSocketServer): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/octet-stream', async (_request: unknown, payload: Readable) => ({
    bytes: await readBody(payload, server.maxDataSize),
    isText: false
  }))
  app.addContentTypeParser(/^text\/plain(;\s*charset="?utf-8"?)?$/i, async (_request: unknown, payload: Readable) => ({
    bytes: checkText(await readBody(payload, server.maxDataSize)),
    isText: true
  }))
  app.addContentTypeParser(variantType, async (_request: unknown, payload: Readable) => ({
    bytes: encode(checkText(await readBody(payload, MAX_JSON)), server),
    isText: false
  }))
  app.addContentTypeParser('*', async () => { throw unsupportedPacket() })
  // Without a body no parser checks the content type.
  app.addHook('preValidation', async request => { if (request.body === undefined) throw unsupportedPacket() })
}

/** The content type of a packet is none of those above. */
export function unsupportedPacket (): HttpError {
  return unsupportedType(`application/octet-stream, text/plain in UTF-8, or ${variantType}`)
}

async function readBody (payload: Readable, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    // Not destroyed at the end: the response uses the same socket.
    for await (const chunk of payload.iterator({ destroyOnReturn: false })) {
      size += chunk.length
      if (size <= limit) chunks.push(chunk)
      else if (size > limit + MAX_EXCESS) break
    }
  } catch {
    throw new BadRequest([{ pointer: '/body', message: 'incomplete' }])
  }
  checkSize(size, limit)
  return Buffer.concat(chunks)
}

function checkSize (size: number, limit: number): void {
  if (size > limit) throw new HttpError(413, `Packet too large: at most ${limit} bytes`)
}

function checkText (bytes: Buffer): Buffer {
  if (!isUtf8(bytes)) throw new BadRequest([{ pointer: '/body', message: 'must be UTF-8' }])
  return bytes
}

/** The bytes of a Variant in the encoding of the server's Godot version. */
function encode (json: Buffer, server: WebSocketServer): Buffer {
  const bytes = encodeJson(json.toString(), internalsOf(server).settings.wire.variants)
  checkSize(bytes.length, server.maxDataSize)
  return Buffer.from(bytes)
}

function encodeJson (text: string, codec: VariantCodec): Uint8Array {
  try {
    return codec.encode(variantFromJson(JSON.parse(text)))
  } catch (error) {
    throw new BadRequest([{ pointer: '/body', message: (error as Error).message }])
  }
}
