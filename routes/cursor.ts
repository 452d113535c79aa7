import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { BadRequest } from '../plugins/problem.ts'

/** A place in a list: behind the item with this id, which has this key where the list is sorted by one. */
export interface Place { readonly id: number, readonly key: string | number }

const secret = randomBytes(32)
const SEAL_BYTES = 8

/** A place as text that nobody else can make; `list` says which list it is one of. */
export function encodeCursor (list: string, { id, key }: Place): string {
  const place = Buffer.from(JSON.stringify([list, id, key]))
  return Buffer.concat([seal(place), place]).toString('base64url')
}

/** The place in a cursor, undefined for none; BadRequest for one that this process has not given out for this list. */
export function decodeCursor (list: string, cursor: string | undefined): Place | undefined {
  if (cursor === undefined) return undefined
  const bytes = Buffer.from(cursor, 'base64url')
  const place = bytes.subarray(SEAL_BYTES)
  const isOurs = bytes.length > SEAL_BYTES && bytes.toString('base64url') === cursor && timingSafeEqual(bytes.subarray(0, SEAL_BYTES), seal(place))
  if (!isOurs) throw new BadRequest([{ pointer: '/query/cursor', message: 'is none that this server has given out' }])
  const [ofList, id, key] = JSON.parse(place.toString()) as [string, number, string | number]
  if (ofList !== list) throw new BadRequest([{ pointer: '/query/cursor', message: 'is one of a list in another order' }])
  return { id, key }
}

function seal (place: Buffer): Buffer {
  return createHmac('sha256', secret).update(place).digest().subarray(0, SEAL_BYTES)
}
