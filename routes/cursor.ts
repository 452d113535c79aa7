import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { BadRequest } from '../plugins/problem.ts'

const key = randomBytes(32)
const ID_BYTES = 4
const SEAL_BYTES = 8

/** A place in the list of peers, behind the peer with this id, as text that nobody else can make. */
export function encodeCursor (id: number): string {
  const place = Buffer.alloc(ID_BYTES)
  place.writeInt32BE(id)
  return Buffer.concat([place, seal(place)]).toString('base64url')
}

/** The id in a cursor, 0 for none; BadRequest for one that this process has not given out. */
export function decodeCursor (cursor: string | undefined): number {
  if (cursor === undefined) return 0
  const bytes = Buffer.from(cursor, 'base64url')
  const place = bytes.subarray(0, ID_BYTES)
  const isOurs = bytes.length === ID_BYTES + SEAL_BYTES && bytes.toString('base64url') === cursor &&
    timingSafeEqual(bytes.subarray(ID_BYTES), seal(place))
  if (!isOurs) throw new BadRequest([{ pointer: '/query/cursor', message: 'is none that this server has given out' }])
  return place.readInt32BE()
}

function seal (place: Buffer): Buffer {
  return createHmac('sha256', key).update(place).digest().subarray(0, SEAL_BYTES)
}
