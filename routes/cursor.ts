import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'
import { BadRequest } from '../http/http-error.ts'

/** A position in a list: after the item with this id, and with this value of the sort key. */
export interface Position { readonly id: string | number, readonly key: string | number }

/** Signs cursors of lists that only this process has. */
const ownKey = randomBytes(32)
const SIGNATURE_BYTES = 8

/** A position as an opaque text, signed with a key; `list` identifies the list. */
export function encodeCursor (list: string, { id, key }: Position, secret: Uint8Array = ownKey): string {
  const position = Buffer.from(JSON.stringify([list, id, key]))
  return Buffer.concat([sign(position, secret), position]).toString('base64url')
}

/** The position in a cursor, undefined without one; BadRequest if it was not issued with this key for this list. */
export function decodeCursor (
  list: string, cursor: string | undefined, secret: Uint8Array = ownKey
): Position | undefined {
  if (cursor === undefined) return undefined
  const bytes = Buffer.from(cursor, 'base64url')
  const position = bytes.subarray(SIGNATURE_BYTES)
  const isOurs = bytes.length > SIGNATURE_BYTES && bytes.toString('base64url') === cursor &&
    timingSafeEqual(bytes.subarray(0, SIGNATURE_BYTES), sign(position, secret))
  if (!isOurs) throw new BadRequest([{ pointer: '/query/cursor', message: 'was not issued by this server' }])
  const [ofList, id, key] = JSON.parse(position.toString()) as [string, string | number, string | number]
  if (ofList !== list) {
    throw new BadRequest([{ pointer: '/query/cursor', message: 'was issued for another list or sort order' }])
  }
  return { id, key }
}

function sign (position: Buffer, secret: Uint8Array): Buffer {
  return createHmac('sha256', secret).update(position).digest().subarray(0, SIGNATURE_BYTES)
}
