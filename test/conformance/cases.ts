import { opcode } from '../../src/protocol/websocket/frame.ts'
import { closePayload, frame, type FrameBits } from '../helper/sockets/raw-frame.ts'

/**
 * What a client sends to an echo server and what it gets back, frame by frame: RFC 6455 in the groups of the Autobahn
 * test suite (1 messages, 2 pings and pongs, 3 reserved bits, 4 opcodes, 5 fragments, 6 UTF-8, 7 closing, 9 sizes, 10
 * miscellaneous).
 */
export interface Case {
  readonly id: string
  readonly what: string
  readonly send: readonly Buffer[]
  /** Bytes after the client's close frame, sent in the same chunk, as the server may close the connection. */
  readonly late: readonly Buffer[]
  /** All frames of the server until it closes the connection. */
  readonly back: readonly Buffer[]
  /** Whether both close frames were exchanged. */
  readonly isClean: boolean
}

/** Maximum message size of the server under test in bytes. */
export const MAX_MESSAGE = 1 << 20

/**
 * Short form of a case: unless `back` ends with a close frame, the client closes with 1000 and gets 1000.
 */
export type Row = [what: string, send: Buffer[], back: Buffer[], late?: Buffer[]]

const { CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG } = opcode
const more: FrameBits = { fin: false }
const hex = (digits: string) => Buffer.from(digits.replaceAll(' ', ''), 'hex')
const bytes = (size: number) => Buffer.alloc(size, 'payload of bytes, * and again; ')

const text = (payload: string | Buffer, bits?: FrameBits) => frame(TEXT, payload, bits)
const binary = (payload: string | Buffer, bits?: FrameBits) => frame(BINARY, payload, bits)
const next = (payload: string | Buffer, bits?: FrameBits) => frame(CONTINUATION, payload, bits)
const ping = (payload: string | Buffer = '', bits?: FrameBits) => frame(PING, payload, bits)
const pong = (payload: string | Buffer = '', bits?: FrameBits) => frame(PONG, payload, bits)
const close = (code: number, reason = '') => frame(CLOSE, closePayload(code, reason))

/** Frames as sent by the server. */
const fromServer = (code: number, payload: string | Buffer) => frame(code, payload, { mask: false })
const textBack = (payload: string | Buffer) => fromServer(TEXT, payload)
const binaryBack = (payload: string | Buffer) => fromServer(BINARY, payload)
const pongBack = (payload: string | Buffer = '') => fromServer(PONG, payload)
const closeBack = (code: number, reason = '') => fromServer(CLOSE, closePayload(code, reason))

export const PROTOCOL_ERROR = closeBack(1002)
export const BAD_TEXT = closeBack(1007)
export const TOO_BIG = closeBack(1009)
const violations = [PROTOCOL_ERROR, BAD_TEXT, TOO_BIG]

/** A message in fragments of the given sizes, and a last one with the rest. */
function fragments (code: number, payload: Buffer, sizes: number[]): Buffer[] {
  let start = 0
  return [...sizes, payload.length - sum(sizes)].map((size, at) => {
    const part = payload.subarray(start, start += size)
    return frame(at === 0 ? code : CONTINUATION, part, { fin: at === sizes.length })
  })
}

function sum (sizes: number[]): number {
  return sizes.reduce((sum, size) => sum + size, 0)
}

/** A message in fragments of `size` bytes. */
function evenly (code: number, payload: Buffer, size: number): Buffer[] {
  return fragments(code, payload, new Array(Math.ceil(payload.length / size) - 1).fill(size))
}

// ---- 1 messages ----

const lengths = [0, 1, 2, 3, 4, 5, 63, 64, 65, 124, 125, 126, 127, 128, 65535, 65536]

const textMessages = lengths.map((size): Row => {
  const payload = Buffer.alloc(size, '*')
  return [`a text of ${size} bytes`, [text(payload)], [textBack(payload)]]
})

const binaryMessages =
  lengths.map((size): Row => [`a binary message of ${size} bytes`, [binary(bytes(size))], [binaryBack(bytes(size))]])

const heads: Row[] = [
  ['a length of 5 in 16 bits', [text('short', { wide: 2 })], [textBack('short')]],
  ['a length of 5 in 64 bits', [text('short', { wide: 8 })], [textBack('short')]],
  ['a length of 0 in 64 bits', [binary('', { wide: 8 })], [binaryBack('')]],
  ['a length of 300 in 64 bits', [binary(bytes(300), { wide: 8 })], [binaryBack(bytes(300))]],
  ['a mask of zeros', [text('plain', { key: hex('00000000') })], [textBack('plain')]],
  ['a mask of ones', [text('inverse', { key: hex('ffffffff') })], [textBack('inverse')]],
  ['a mask that makes the payload look like frames', [binary(hex('88028202'), {
    key: hex('0a000000')
  })], [binaryBack(hex('88028202'))]],
  ['an unmasked text', [text('bare', { mask: false })], [PROTOCOL_ERROR]],
  ['an unmasked empty text', [text('', { mask: false })], [PROTOCOL_ERROR]],
  ['an unmasked binary message', [binary('bare', { mask: false })], [PROTOCOL_ERROR]],
  ['an unmasked continuation', [text('a', more), next('b', { mask: false })], [PROTOCOL_ERROR]],
  ['an unmasked ping', [ping('bare', { mask: false })], [PROTOCOL_ERROR]],
  ['an unmasked pong', [pong('bare', { mask: false })], [PROTOCOL_ERROR]],
  ['an unmasked close', [frame(CLOSE, closePayload(1000), { mask: false })], [PROTOCOL_ERROR]],
  ['an unmasked text after a valid one', [text('good'), text('bare', {
    mask: false
  })], [textBack('good'), PROTOCOL_ERROR]],
  ['text, binary, text: each is echoed with its type', [
    text('1'), binary('2'), text('3')
  ], [textBack('1'), binaryBack('2'), textBack('3')]],
  ['100 texts at once', Array.from({ length: 100 }, (_, at) =>
    text(`text ${at}`)), Array.from({ length: 100 }, (_, at) => textBack(`text ${at}`))]
]

// ---- 2 pings and pongs ----

const pings: Row[] = [
  ['a ping without payload', [ping()], [pongBack()]],
  ['a ping with text', [ping('Hello, world!')], [pongBack('Hello, world!')]],
  ['a ping with bytes that are not UTF-8', [ping(hex('00fffefdfcfb00ff'))], [pongBack(hex('00fffefdfcfb00ff'))]],
  ['a ping of 124 bytes', [ping(bytes(124))], [pongBack(bytes(124))]],
  ['a ping of 125 bytes', [ping(bytes(125))], [pongBack(bytes(125))]],
  ['a ping of 126 bytes', [ping(bytes(126))], [PROTOCOL_ERROR]],
  ['a ping of 65536 bytes', [ping(bytes(65536))], [PROTOCOL_ERROR]],
  ['a ping of 5 bytes with a length of 16 bits', [ping('short', { wide: 2 })], [PROTOCOL_ERROR]],
  ['a ping of 5 bytes with a length of 64 bits', [ping('short', { wide: 8 })], [PROTOCOL_ERROR]],
  ['a ping that is not final', [ping('half', more)], [PROTOCOL_ERROR]],
  ['an unsolicited pong', [pong()], []],
  ['an unsolicited pong with payload', [pong('unasked')], []],
  ['a pong of 125 bytes', [pong(bytes(125))], []],
  ['a pong of 126 bytes', [pong(bytes(126))], [PROTOCOL_ERROR]],
  ['a pong that is not final', [pong('half', more)], [PROTOCOL_ERROR]],
  ['a pong, then a ping', [pong('unasked'), ping('asked')], [pongBack('asked')]],
  ['ten pings', Array.from({ length: 10 }, (_, at) =>
    ping(`ping ${at}`)), Array.from({ length: 10 }, (_, at) => pongBack(`ping ${at}`))],
  ['ten pings among messages, answered in order', Array.from({ length: 10 }, (_, at) => [
    text(`${at}`), ping(`${at}`)
  ]).flat(), Array.from({ length: 10 }, (_, at) => [textBack(`${at}`), pongBack(`${at}`)]).flat()]
]

// ---- 3 reserved bits ----

const reservedBits: Row[] = [1, 2, 3, 4, 5, 6, 7].flatMap((rsv): Row[] => [
  [`reserved bits ${rsv} in a text`, [text('Hello', { rsv })], [PROTOCOL_ERROR]],
  [`reserved bits ${rsv} in an empty binary message`, [binary('', { rsv })], [PROTOCOL_ERROR]],
  [`reserved bits ${rsv} in a ping`, [ping('Hello', { rsv })], [PROTOCOL_ERROR]],
  [`reserved bits ${rsv} in a close`, [frame(CLOSE, closePayload(1000), { rsv })], [PROTOCOL_ERROR]],
  [`reserved bits ${rsv} in a text between good ones, and a ping behind`, [text('good'), text('bad', {
    rsv
  }), text('late'), ping()], [textBack('good'), PROTOCOL_ERROR]]
])

const reservedBitsLater: Row[] = [
  ['a reserved bit in a continuation', [text('a', more), next('b', { rsv: 4 })], [PROTOCOL_ERROR]],
  ['a reserved bit in a first fragment', [text('a', { fin: false, rsv: 4 }), next('b')], [PROTOCOL_ERROR]],
  ['a reserved bit in a pong', [pong('', { rsv: 2 })], [PROTOCOL_ERROR]],
  ['a reserved bit in a control frame between fragments', [text('a', more), ping('', {
    rsv: 1
  }), next('b')], [PROTOCOL_ERROR]]
]

// ---- 4 opcodes ----

const reservedOpcodes: Row[] = [3, 4, 5, 6, 7, 11, 12, 13, 14, 15].flatMap((code): Row[] => [
  [`opcode ${code} without payload`, [frame(code)], [PROTOCOL_ERROR]],
  [`opcode ${code} with payload`, [frame(code, 'reserved')], [PROTOCOL_ERROR]],
  [`opcode ${code} not final`, [frame(code, 'reserved', more)], [PROTOCOL_ERROR]],
  [`opcode ${code} between a good text and a ping`, [
    text('good'), frame(code, 'reserved'), ping()
  ], [textBack('good'), PROTOCOL_ERROR]],
  [`opcode ${code} between fragments`, [text('a', more), frame(code, 'reserved'), next('b')], [PROTOCOL_ERROR]]
])

// ---- 5 fragments ----

const fragmented: Row[] = [
  ['a text in two fragments', [text('frag', more), next('ment')], [textBack('fragment')]],
  ['a binary message in two fragments', [binary(hex('00ff'), more), next(hex('fe01'))], [binaryBack(hex('00fffe01'))]],
  ['a text in eight fragments of one byte', fragments(TEXT, Buffer.from('fragment'), [1, 1, 1, 1, 1, 1, 1]), [
    textBack('fragment')
  ]],
  ['three empty fragments', [text('', more), next('', more), next('')], [textBack('')]],
  ['an empty first fragment', [binary('', more), next('rest')], [binaryBack('rest')]],
  ['an empty last fragment', [text('all', more), next('')], [textBack('all')]],
  ['an empty fragment between others', [text('a', more), next('', more), next('b')], [textBack('ab')]],
  ['a thousand empty fragments', [
    text('x', more), ...new Array(1000).fill(next('', more)), next('y')
  ], [textBack('xy')]],
  ['a ping between fragments', [text('a', more), ping('p'), next('b')], [pongBack('p'), textBack('ab')]],
  ['a ping of 125 bytes between fragments', [
    text('a', more), ping(bytes(125)), next('b')
  ], [pongBack(bytes(125)), textBack('ab')]],
  ['a ping after every fragment', [
    text('a', more), ping('1'), next('b', more), ping('2'), next('c', more), ping('3'), next('d'), ping('4')
  ], [pongBack('1'), pongBack('2'), pongBack('3'), textBack('abcd'), pongBack('4')]],
  ['a pong between fragments', [text('a', more), pong('p'), next('b')], [textBack('ab')]],
  ['a close between fragments', [text('a', more), close(1000)], [closeBack(1000)]],
  ['two messages in fragments', [
    text('a', more), next('b'), binary('c', more), next('d')
  ], [textBack('ab'), binaryBack('cd')]],
  ['a message after fragments', [text('a', more), next('b'), binary('c')], [textBack('ab'), binaryBack('c')]],
  ['fragments after a message', [binary('a'), text('b', more), next('c')], [binaryBack('a'), textBack('bc')]],
  ['fragments with lengths of 7, 16 and 64 bits', [binary(bytes(3), more), next(bytes(300), more), next(bytes(3), {
    wide: 8
  })], [binaryBack(Buffer.concat([bytes(3), bytes(300), bytes(3)]))]],
  ['fragments with different masks', [text('aaaa', { fin: false, key: hex('00000000') }), next('aaaa', {
    fin: false,
    key: hex('01020304')
  }), next('aaaa', { key: hex('ffffffff') })], [textBack('aaaaaaaaaaaa')]],
  ['a continuation at the start', [next('lost')], [PROTOCOL_ERROR]],
  ['an empty continuation at the start', [next('')], [PROTOCOL_ERROR]],
  ['a continuation that is not final at the start', [next('lost', more)], [PROTOCOL_ERROR]],
  ['a continuation after a complete message', [text('whole'), next('lost')], [textBack('whole'), PROTOCOL_ERROR]],
  ['a continuation after the last fragment', [
    text('a', more), next('b'), next('lost')
  ], [textBack('ab'), PROTOCOL_ERROR]],
  ['a continuation that is not final after the last fragment', [
    text('a', more), next('b'), next('lost', more), text('late')
  ], [textBack('ab'), PROTOCOL_ERROR]],
  ['a continuation after a ping', [ping(), next('lost')], [pongBack(), PROTOCOL_ERROR]],
  ['a text between the fragments of a text', [text('a', more), text('b')], [PROTOCOL_ERROR]],
  ['a binary message between the fragments of a text', [text('a', more), binary('b')], [PROTOCOL_ERROR]],
  ['a text between the fragments of a binary message', [binary('a', more), text('b')], [PROTOCOL_ERROR]],
  ['a second start between fragments', [text('a', more), text('b', more), next('c')], [PROTOCOL_ERROR]],
  ['a new text after a ping between fragments', [text('a', more), ping('p'), text('b')], [
    pongBack('p'), PROTOCOL_ERROR
  ]]
]

// ---- 6 UTF-8 ----

const goodText: Array<[what: string, text: string]> = [
  ['Greek', 'κόσμε'],
  ['letters with marks', 'Hellö ÄÖÜß àéîõû'],
  ['Chinese, Hebrew and Thai', '漢字 עברית ไทย'],
  ['smileys of 4 bytes', '😀😃🎮'],
  ['a flag and a family, each of several code points', '🇩🇪 👨‍👩‍👧'],
  ['a NUL', 'a\0b'],
  ['a byte order mark', '\ufeffmarked'],
  ['the first code point of 1 byte', '\u0000'],
  ['the last of 1 byte', '\u007f'],
  ['the first of 2 bytes', '\u0080'],
  ['the last of 2 bytes', '\u07ff'],
  ['the first of 3 bytes', '\u0800'],
  ['the last before the surrogates', '\ud7ff'],
  ['the first after the surrogates', '\ue000'],
  ['the replacement character', '\ufffd'],
  ['the last of 3 bytes, a noncharacter', '\uffff'],
  ['other noncharacters', '\ufdd0\ufffe'],
  ['the first of 4 bytes', '\u{10000}'],
  ['the last code point', '\u{10ffff}'],
  ['noncharacters at the end of planes', '\u{1fffe}\u{8ffff}\u{10fffe}']
]

const badText: Array<[what: string, hex: string]> = [
  ['a surrogate within Greek text', 'ceba e1bdb9 cf83 cebc ceb5 eda080 656469746564'],
  ['the first continuation byte alone', '80'],
  ['the last continuation byte alone', 'bf'],
  ['two continuation bytes', '80bf'],
  ['six continuation bytes', '80bf80bf80bf'],
  ['the first byte of 2, alone', 'c2'],
  ['the first byte of 2, then a space', 'c220'],
  ['the last first byte of 2, then a space', 'df20'],
  ['the first byte of 3, alone', 'e0'],
  ['the first byte of 3, then a space', 'e020'],
  ['two of 3 bytes', 'e0a0'],
  ['two of 3 bytes, then a space', 'efbf20'],
  ['the first byte of 4, alone', 'f0'],
  ['two of 4 bytes', 'f090'],
  ['three of 4 bytes', 'f09080'],
  ['three of 4 bytes, then a space', 'f48fbf20'],
  ['the first byte of a 5-byte form', 'f888808080'],
  ['the first byte of a 6-byte form', 'fc8480808080'],
  ['the byte fe', 'fe'],
  ['the byte ff', 'ff'],
  ['fe fe ff ff', 'fefeffff'],
  ['a slash in 2 bytes', 'c0af'],
  ['a slash in 3 bytes', 'e080af'],
  ['a slash in 4 bytes', 'f08080af'],
  ['the last overlong form of 2 bytes', 'c1bf'],
  ['the last overlong form of 3 bytes', 'e09fbf'],
  ['the last overlong form of 4 bytes', 'f08fbfbf'],
  ['an overlong NUL of 2 bytes', 'c080'],
  ['an overlong NUL of 3 bytes', 'e08080'],
  ['an overlong NUL of 4 bytes', 'f0808080'],
  ['the first high surrogate', 'eda080'],
  ['the last high surrogate', 'edafbf'],
  ['the first low surrogate', 'edb080'],
  ['the last low surrogate', 'edbfbf'],
  ['a pair of surrogates', 'eda080edb080'],
  ['the first code point too high', 'f4908080'],
  ['a first byte too high', 'f5808080'],
  ['an error at the end of 64 bytes', '61'.repeat(63) + 'ff'],
  ['an error at the end of 1000 bytes', '61'.repeat(999) + 'c3'],
  ['an error at the start of 1000 bytes', 'ff' + '61'.repeat(999)]
]

const goodTexts = goodText.flatMap(([what, good]): Row[] => {
  const payload = Buffer.from(good)
  const rows: Row[] = [[what, [text(payload)], [textBack(payload)]]]
  if (payload.length > 1) rows.push([`${what}, a fragment a byte`, evenly(TEXT, payload, 1), [textBack(payload)]])
  return rows
})

const badTexts = badText.flatMap(([what, digits]): Row[] => {
  const payload = hex(digits)
  const half = payload.length + 1 >> 1
  return [
    [what, [text(payload)], [BAD_TEXT]],
    [`${what}, in two fragments with a ping between`, [
      text(payload.subarray(0, half), more), ping(), next(payload.subarray(half))
    ], [pongBack(), BAD_TEXT]],
    [`${what}, between good texts`, [text('good'), text(payload), text('late')], [textBack('good'), BAD_TEXT]]
  ]
})

const texts: Row[] = [
  ['a character split between fragments with a ping in between', [
    text(hex('f09f'), more), ping(), next(hex('9880'))
  ], [pongBack(), textBack('😀')]],
  ['a character split over three fragments, one of them empty', [
    text(hex('f09f'), more), next('', more), next(hex('98'), more), next(hex('80'))
  ], [textBack('😀')]],
  ['a character is not continued in the next message', [text(hex('c3')), text(hex('bc'))], [BAD_TEXT]],
  ['bytes that are not UTF-8 in a binary message', [binary(hex('c328ff80eda080'))], [
    binaryBack(hex('c328ff80eda080'))
  ]],
  ['bytes that are not UTF-8 in binary fragments', [binary(hex('c3'), more), next(hex('28'))], [
    binaryBack(hex('c328'))
  ]],
  ['bytes that are not UTF-8 in a ping', [ping(hex('ff80'))], [pongBack(hex('ff80'))]]
]

// ---- 7 closing ----

const goodCodes = [1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4008, 4999]
const badCodes = [0, 1, 500, 999, 1004, 1005, 1006, 1015, 1016, 1100, 2000, 2999, 5000, 32768, 65535]

const closes: Row[] = [
  ['a close without payload', [frame(CLOSE)], [fromServer(CLOSE, '')]],
  ['a close of one byte', [frame(CLOSE, hex('03'))], [PROTOCOL_ERROR]],
  ['a close with a code', [close(1000)], [closeBack(1000)]],
  ['a close with a reason', [close(1000, 'see you')], [closeBack(1000, 'see you')]],
  ['a close with a reason that is not ASCII', [close(1001, 'größte Öfen 😀')], [closeBack(1001, 'größte Öfen 😀')]],
  ['a close with a reason of 122 bytes', [close(1000, '*'.repeat(122))], [closeBack(1000, '*'.repeat(122))]],
  ['a close with a reason of 123 bytes', [close(1000, '*'.repeat(123))], [closeBack(1000, '*'.repeat(123))]],
  ['a close with a reason of 124 bytes', [close(1000, '*'.repeat(124))], [PROTOCOL_ERROR]],
  ['a close with a reason that ends with a NUL, as sent by Godot 3', [close(1000, 'bye\0')], [
    closeBack(1000, 'bye\0')
  ]],
  ['a close with a length of 16 bits', [frame(CLOSE, closePayload(1000), { wide: 2 })], [PROTOCOL_ERROR]],
  ['a close that is not final', [frame(CLOSE, closePayload(1000), more)], [PROTOCOL_ERROR]],
  ['a close after a message', [text('last words'), close(1000)], [textBack('last words'), closeBack(1000)]],
  ['a close after a ping', [ping('last'), close(1000)], [pongBack('last'), closeBack(1000)]],
  ['a close behind a large message', [
    binary(bytes(200_000)), close(1000)
  ], [binaryBack(bytes(200_000)), closeBack(1000)]],
  ['two closes: the first is answered', [close(1000, 'first')], [closeBack(1000, 'first')], [close(1001, 'second')]],
  ['a message behind a close', [close(1000)], [closeBack(1000)], [text('late')]],
  ['a ping behind a close', [close(1000)], [closeBack(1000)], [ping('late')]],
  ['a broken frame behind a close', [close(1000)], [closeBack(1000)], [text('late', { rsv: 7 })]],
  ['a close behind a broken frame', [text('bad', { rsv: 7 }), close(1000)], [PROTOCOL_ERROR]],
  ['a close and the rest of fragments behind it', [text('a', more), close(1000)], [closeBack(1000)], [next('b')]],
  ...badText.filter(([, digits]) => hex(digits).length <= 8).map(([what, digits]): Row =>
    [`a close reason with ${what}`, [frame(CLOSE, Buffer.concat([closePayload(1000), hex(digits)]))], [BAD_TEXT]]),
  ...goodCodes.flatMap((code): Row[] => [
    [`close code ${code}`, [close(code)], [closeBack(code)]],
    [`close code ${code} with a reason`, [close(code, 'a reason')], [closeBack(code, 'a reason')]]
  ]),
  ...badCodes.flatMap((code): Row[] => [
    [`close code ${code}`, [close(code)], [PROTOCOL_ERROR]],
    [`close code ${code} with a reason`, [close(code, 'a reason')], [PROTOCOL_ERROR]]
  ])
]

// ---- 9 sizes ----

const large = [65537, 100_000, 262_144, MAX_MESSAGE - 1, MAX_MESSAGE]

const sizes: Row[] = [
  ...large.map((size): Row =>
    [`a text of ${size} bytes`, [text(Buffer.alloc(size, '*'))], [textBack(Buffer.alloc(size, '*'))]]),
  ...large.map((size): Row => [`a binary message of ${size} bytes`, [binary(bytes(size))], [binaryBack(bytes(size))]]),
  ...[64, 256, 1024, 4096, 16384, 65536, 262_144].map((size): Row => [
    `a message of ${MAX_MESSAGE} bytes in fragments of ${size}`,
    evenly(size < 1024 ? BINARY : TEXT, bytes(MAX_MESSAGE), size),
    [(size < 1024 ? binaryBack : textBack)(bytes(MAX_MESSAGE))]
  ]),
  ...[0, 16, 64, 256, 1024, 4096].map((size): Row => [
    `500 messages of ${size} bytes`,
    new Array(500).fill(binary(bytes(size))),
    new Array(500).fill(binaryBack(bytes(size)))
  ]),
  ['a message of one byte over the limit', [binary(bytes(MAX_MESSAGE + 1))], [TOO_BIG]],
  ['a text of one byte over the limit', [text(bytes(MAX_MESSAGE + 1))], [TOO_BIG]],
  ['two fragments of one byte over the limit together', fragments(BINARY, bytes(MAX_MESSAGE +
    1), [MAX_MESSAGE]), [TOO_BIG]],
  ['many fragments of one byte over the limit together', evenly(BINARY, bytes(MAX_MESSAGE + 1), 65536), [TOO_BIG]],
  ['the head alone of a message over the limit', [binary('', { wide: 8, length: MAX_MESSAGE + 1 })], [TOO_BIG]],
  ['the head alone of a message of 2^62 bytes', [binary('', { wide: 8, length: 2 ** 62 })], [TOO_BIG]],
  ['the head alone of a message with the highest bit of its length set', [binary('', {
    wide: 8,
    length: 2 ** 63
  })], [TOO_BIG]],
  ['a message over the limit behind a good one', [text('good'), binary('', {
    wide: 8,
    length: 2 ** 40
  })], [textBack('good'), TOO_BIG]],
  ['a fragment over the limit behind a good one', [text('a', more), ping(), next('', {
    wide: 8,
    length: MAX_MESSAGE
  })], [pongBack(), TOO_BIG]]
]

// ---- 10 miscellaneous ----

const odds: Row[] = [
  ['65536 bytes in fragments of 1300', evenly(TEXT, bytes(65536), 1300), [textBack(bytes(65536))]],
  ['nothing but a close', [], []],
  ['messages of every size up to 300', Array.from({ length: 300 }, (_, size) =>
    binary(bytes(size))), Array.from({ length: 300 }, (_, size) => binaryBack(bytes(size)))],
  ['fragments of every size up to 100', [
    binary('', more), ...Array.from({ length: 100 }, (_, size) => next(bytes(size), more)), next('')
  ], [binaryBack(Buffer.concat(Array.from({ length: 100 }, (_, size) => bytes(size))))]]
]

/** Converts rows to numbered cases. */
export function group (prefix: string, rows: Row[]): Case[] {
  return rows.map(([what, send, back, late = []], at) => {
    const id = `${prefix}.${at + 1}`
    const last = back.at(-1)
    if (last?.[0] !== closeBack(1000)[0]) {
      return { id, what, send: [...send, close(1000)], late, back: [...back, closeBack(1000)], isClean: true }
    }
    return { id, what, send, late, back, isClean: !violations.includes(last) }
  })
}

/** All cases. */
export const cases: Case[] = [
  ...group('1.1', textMessages), ...group('1.2', binaryMessages), ...group('1.3', heads),
  ...group('2.1', pings),
  ...group('3.1', reservedBits), ...group('3.2', reservedBitsLater),
  ...group('4.1', reservedOpcodes),
  ...group('5.1', fragmented),
  ...group('6.1', goodTexts), ...group('6.2', badTexts), ...group('6.3', texts),
  ...group('7.1', closes),
  ...group('9.1', sizes),
  ...group('10.1', odds)
]
