import { isUtf8 } from 'node:buffer'
import type { Readable } from 'node:stream'
import type { FastifyInstance } from 'fastify'
import { BadRequest, HttpError } from './problem.ts'

/** How much more than a packet may come before the answer: who sends too much still gets to read it then. */
const PATIENCE = 1 << 20

/** A body that is one packet: the bytes, and whether they are text. */
export interface PacketBody { readonly bytes: Buffer, readonly isText: boolean }

/** From here on bodies are packets, application/octet-stream or text/plain, of up to `limit()` bytes each; of other types there are none. */
export function parsePackets (app: FastifyInstance, limit: () => number): void {
  app.removeAllContentTypeParsers()
  app.addContentTypeParser('application/octet-stream', async (_request: unknown, payload: Readable) => ({ bytes: await readBody(payload, limit()), isText: false }))
  app.addContentTypeParser(/^text\/plain(;\s*charset="?utf-8"?)?$/i, async (_request: unknown, payload: Readable) => ({ bytes: checkText(await readBody(payload, limit())), isText: true }))
  // Without a body there is no parser that could miss the type.
  app.addHook('preValidation', async request => {
    if (request.body === undefined) throw new HttpError(415, 'A packet is application/octet-stream or text/plain in UTF-8')
  })
}

async function readBody (payload: Readable, limit: number): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  try {
    // Not destroyed at the end: the answer takes the same socket.
    for await (const chunk of payload.iterator({ destroyOnReturn: false })) {
      size += chunk.length
      if (size <= limit) chunks.push(chunk)
      else if (size > limit + PATIENCE) break
    }
  } catch {
    throw new BadRequest([{ pointer: '/body', message: 'was cut short' }])
  }
  if (size > limit) throw new HttpError(413, `A packet has up to ${limit} bytes here`)
  return Buffer.concat(chunks)
}

function checkText (bytes: Buffer): Buffer {
  if (!isUtf8(bytes)) throw new BadRequest([{ pointer: '/body', message: 'must be UTF-8' }])
  return bytes
}
