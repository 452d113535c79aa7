import { randomBytes } from 'node:crypto'
import { constants, deflateRawSync, type ZlibOptions } from 'node:zlib'
import { opcode } from '../../src/protocol/websocket/frame.ts'
import { closePayload, frame, type FrameBits } from '../helper/sockets/raw-frame.ts'
import { BAD_TEXT, group, MAX_MESSAGE, PROTOCOL_ERROR, TOO_BIG, type Case, type Row } from './cases.ts'

/**
 * permessage-deflate (RFC 7692) in the groups of the Autobahn test suite: 12 compressed messages, 13 offers.
 */

const { CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG } = opcode
const RSV1 = 4
const more: FrameBits = { fin: false }

/** A payload compressed without context takeover, without the tail of RFC 7692 7.2.1. */
function deflated (payload: Uint8Array | string, options: ZlibOptions = {}): Buffer {
  return deflateRawSync(payload, { ...options, finishFlush: constants.Z_SYNC_FLUSH }).subarray(0, -4)
}

const compressed = (code: number, payload: Uint8Array | string, options: ZlibOptions = {}, bits: FrameBits = {}) =>
  frame(code, deflated(payload, options), { rsv: RSV1, ...bits })

/** The echo of a message: compressed from 1 KiB on. */
function echo (code: number, payload: Buffer): Buffer {
  return payload.length < 1024 ? frame(code, payload, { mask: false }) : compressed(code, payload, {}, { mask: false })
}

/** A compressed message in fragments of `size` bytes, with pings in between. */
function fragments (code: number, payload: Buffer, size: number): Buffer[] {
  const whole = deflated(payload)
  const count = Math.max(1, Math.ceil(whole.length / size))
  return Array.from({ length: count }, (_, at) => {
    const one = frame(at === 0 ? code : CONTINUATION, whole.subarray(at * size, (at + 1) * size), {
      fin: at === count - 1,
      rsv: at === 0 ? RSV1 : 0
    })
    return at === 0 ? [one] : [frame(PING), one]
  }).flat()
}

// ---- 12 compressed messages ----

const contents: Array<[what: string, code: number, make: (size: number) => Buffer]> = [
  ['JSON', TEXT, size =>
    Buffer.from('{"player":7,"at":[1.5,2.25],"says":"hello"},'.repeat(size / 40 + 1)).subarray(0, size)],
  ['text of 3 bytes a letter', TEXT, size => Buffer.from('漢字'.repeat(size / 6 + 1)).subarray(0, size - size % 3)],
  ['zeros', BINARY, size => Buffer.alloc(size)],
  ['random bytes', BINARY, size => randomBytes(size)]
]
const sizes = [0, 16, 64, 256, 1023, 1024, 4096, 8192, 16384, 32768, 65536, 131_072]

const messages = contents.flatMap(([what, code, make]) => sizes.map((size): Row => {
  const payloads = Array.from({ length: 5 }, () => make(size))
  return [`five messages of ${size} bytes: ${what}`, payloads.map(payload =>
    compressed(code, payload)), payloads.map(payload => echo(code, payload))]
}))

const inFragments = contents.flatMap(([what, code, make]) => [1, 64, 1000].map((size): Row => {
  const payload = make(size === 1 ? 60 : 20_000)
  const frames = fragments(code, payload, size)
  const pongs = new Array((frames.length - 1) / 2).fill(frame(PONG, '', { mask: false }))
  return [`fragments of ${size} bytes with pings between: ${what}`, frames, [...pongs, echo(code, payload)]]
}))

const smiley = deflated('😀')

const mixed: Row[] = [
  ['compressed and not in turn', [
    frame(TEXT, 'plain'), compressed(TEXT, 'packed'), frame(TEXT, 'plain')
  ], ['plain', 'packed', 'plain'].map(one => echo(TEXT, Buffer.from(one)))],
  ['fragments that are not compressed behind some that are', [
    compressed(TEXT, 'a'), frame(TEXT, 'b', more), frame(CONTINUATION, 'c')
  ], [echo(TEXT, Buffer.from('a')), echo(TEXT, Buffer.from('bc'))]],
  ['a character over two fragments', [frame(TEXT, smiley.subarray(0, 3), {
    fin: false,
    rsv: RSV1
  }), frame(CONTINUATION, smiley.subarray(3))], [echo(TEXT, Buffer.from('😀'))]],
  ['an empty first fragment', [frame(TEXT, '', {
    fin: false,
    rsv: RSV1
  }), frame(CONTINUATION, deflated('late'))], [echo(TEXT, Buffer.from('late'))]],
  ['a close amid fragments', [
    compressed(TEXT, 'half', {}, more), frame(CLOSE, closePayload(1000))
  ], [frame(CLOSE, closePayload(1000), { mask: false })]],
  ['the largest message', [compressed(BINARY, Buffer.alloc(MAX_MESSAGE))], [echo(BINARY, Buffer.alloc(MAX_MESSAGE))]],
  ['the largest message that nothing makes smaller', [compressed(BINARY, Buffer.alloc(MAX_MESSAGE), {
    level: 0
  })], [echo(BINARY, Buffer.alloc(MAX_MESSAGE))]]
]

const faults: Row[] = [
  ['a byte over the limit', [compressed(BINARY, Buffer.alloc(MAX_MESSAGE + 1))], [TOO_BIG]],
  ['a bomb', [compressed(BINARY, Buffer.alloc(50 * MAX_MESSAGE))], [TOO_BIG]],
  ['a bomb in fragments', fragments(BINARY, Buffer.alloc(5 * MAX_MESSAGE), 5000)
    .filter((_, at) => at % 2 === 0), [TOO_BIG]],
  ['bytes that are not compressed', [frame(BINARY, Buffer.alloc(20, 0xff), { rsv: RSV1 })], [BAD_TEXT]],
  ['a message cut short', [frame(TEXT, deflated('The quick brown fox').subarray(0, -4), { rsv: RSV1 })], [BAD_TEXT]],
  ['a message that refers to the one before', [
    compressed(TEXT, 'Hello'), frame(TEXT, Buffer.from('f200110000', 'hex'), { rsv: RSV1 })
  ], [echo(TEXT, Buffer.from('Hello')), BAD_TEXT]],
  ['text that is not UTF-8', [compressed(TEXT, Buffer.of(0xc3, 0x28))], [BAD_TEXT]],
  ['RSV1 on a continuation', [compressed(TEXT, 'a', {}, more), frame(CONTINUATION, '', {
    rsv: RSV1
  })], [PROTOCOL_ERROR]],
  ['RSV1 on a continuation of what is not compressed', [frame(TEXT, 'a', more), frame(CONTINUATION, deflated('b'), {
    rsv: RSV1
  })], [PROTOCOL_ERROR]],
  ['RSV1 on a ping', [frame(PING, 'ping', { rsv: RSV1 })], [PROTOCOL_ERROR]],
  ['RSV1 on a pong', [frame(PONG, 'pong', { rsv: RSV1 })], [PROTOCOL_ERROR]],
  ['RSV1 on a close', [frame(CLOSE, closePayload(1000), { rsv: RSV1 })], [PROTOCOL_ERROR]],
  ['RSV1 on a reserved opcode', [frame(3, 'a', { rsv: RSV1 })], [PROTOCOL_ERROR]],
  ...[1, 2, 3, 5, 6, 7].map((rsv): Row =>
    [`reserved bits ${rsv}`, [compressed(TEXT, 'a', {}, { rsv })], [PROTOCOL_ERROR]])
]

/** Cases with negotiated permessage-deflate. */
export const deflateCases: Case[] =
  [...group('12.1', messages), ...group('12.2', inFragments), ...group('12.3', mixed), ...group('12.4', faults)]

// ---- 13 offers ----

const taken = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'

/** Offers, the response to each, and how the client may then compress. */
export const offers: Array<[offer: string, answer: string | undefined, options: ZlibOptions]> = [
  ['permessage-deflate', taken, {}],
  ['permessage-deflate; client_no_context_takeover; client_max_window_bits', taken, { level: 9 }],
  ...[9, 10, 11, 12, 13, 14, 15].map((windowBits): [string, string, ZlibOptions] =>
    [`permessage-deflate; client_max_window_bits=${windowBits}`, taken, { windowBits }]),
  ['permessage-deflate; client_max_window_bits; server_no_context_takeover', taken, {
    strategy: constants.Z_HUFFMAN_ONLY
  }],
  ['permessage-deflate; server_max_window_bits=15; client_max_window_bits', `${taken}; server_max_window_bits=15`, {
    strategy: constants.Z_FIXED
  }],
  ['permessage-deflate; server_max_window_bits=8, permessage-deflate; client_max_window_bits', taken, { memLevel: 1 }],
  ['permessage-deflate; server_max_window_bits=9', `${taken}; server_max_window_bits=9`, {}],
  ['permessage-deflate; server_max_window_bits=8', undefined, {}],
  ['permessage-deflate; client_max_window_bits=7', undefined, {}],
  ['permessage-deflate; no_such_parameter', undefined, {}]
]

/**
 * Cases with the client's compression options; without permessage-deflate they are protocol violations.
 */
export function offerCases (id: string, options: ZlibOptions, isTaken: boolean): Case[] {
  const payload = Buffer.from('{"player":7,"at":[1.5,2.25]},'.repeat(2000))
  if (!isTaken) {
    return group(id, [[
      'a compressed message without an agreement', [compressed(TEXT, payload, options)], [PROTOCOL_ERROR]
    ]])
  }
  return group(id, [0, 1, 1000, payload.length].map((size): Row =>
    [`${size} bytes`, [compressed(TEXT, payload.subarray(0, size), options)], [echo(TEXT, payload.subarray(0, size))]]))
}
