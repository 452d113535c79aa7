import t from 'tap'
import { GodotError } from '../../../src/error.ts'
import { encodeRpcPacket } from '../../../src/protocol/multiplayer/rpc-packet.ts'
import { variant3 } from '../../../src/protocol/variant/variant.ts'
import type { RpcPacket } from '../../../src/protocol/multiplayer/rpc-packet.ts'
import { EncodedObject, float, NodePath, Vector2 } from '../../../src/protocol/variant/variant-types.ts'
import { Random, scaled, seed } from '../../helper/random/random.ts'
import { mutated } from '../../helper/random/mutation.ts'
import { bytesOf, hexOf, readVectors } from '../../helper/random/variant-vectors.ts'
import { decodeWholeRpcPacket } from '../../helper/godot/rpc-packets.ts'

interface Frame { hex?: string, note?: string }
const { steps } = readVectors<{ steps: Array<{ frames: Frame[] }> }>('rpc')

/** RPC packets of the recorded data frames: the bytes after type 0, source and target. */
const captures = steps.flatMap(({ frames }) => frames)
  .filter(({ hex }) => hex?.startsWith('00') && hex.length > 18)
  .map(({ hex, note }) => ({ hex: (hex as string).slice(18), note }))

t.test('every RPC packet recorded from Godot 3.2.3 is decoded, and encoded again byte for byte', async t => {
  t.ok(captures.length > 100)
  for (const { hex, note } of captures) {
    t.equal(hexOf(encodeRpcPacket(variant3, decodeWholeRpcPacket(bytesOf(hex)))), hex, note ?? hex)
  }
})

const packets: Array<[name: string, hex: string, packet: RpcPacket]> = [
  ['a call by path', '00090000807230 00 004d61696e00', { type: 'remoteCall', node: 'Main', name: 'r0', args: [] }],
  ['a call by id', '00010000007233 0003 0200000001000000 040000000300000074776f00 050000000000404000008040',
    { type: 'remoteCall', node: 1, name: 'r3', args: [1, 'two', new Vector2(3, 4)] }],
  ['a real that is a whole number', '0001000000723100 01 0300000000004040', {
    type: 'remoteCall',
    node: 1,
    name: 'r1',
    args: [float(3)]
  }],
  ['a node path', '0001000000723100 01 0f00000001000080000000000000000004000000 50617468',
    { type: 'remoteCall', node: 1, name: 'r1', args: [new NodePath('Path')] }],
  ['a set by id', '01010000007800 020000002a000000', { type: 'remoteSet', node: 1, name: 'x', value: 42 }],
  ['a set by path', '010f0000807800 020000002a000000 2e00', { type: 'remoteSet', node: '.', name: 'x', value: 42 }],
  ['simplify path', '02020000004d61696e2f5061776e00', { type: 'simplifyPath', id: 2, path: 'Main/Pawn' }],
  ['confirm path', '034d61696e00', { type: 'confirmPath', path: 'Main' }],
  ['raw bytes', '04010203', { type: 'raw', bytes: Uint8Array.of(1, 2, 3) }]
]

t.test('decodes and encodes each kind of packet', async t => {
  for (const [name, spaced, packet] of packets) {
    const hex = spaced.replaceAll(' ', '')
    t.strictSame(decodeWholeRpcPacket(bytesOf(hex)), packet, name)
    t.equal(hexOf(encodeRpcPacket(variant3, packet)), hex, name)
  }
})

t.test('the NUL of a final path may be missing, bytes after the last argument are ignored', async t => {
  t.strictSame(decodeWholeRpcPacket(bytesOf('000900008072300000' + '4d61696e')), {
    type: 'remoteCall',
    node: 'Main',
    name: 'r0',
    args: []
  })
  t.strictSame(decodeWholeRpcPacket(bytesOf('02010000004d61696e')), { type: 'simplifyPath', id: 1, path: 'Main' })
  t.strictSame(decodeWholeRpcPacket(bytesOf('034d61696e')), { type: 'confirmPath', path: 'Main' })
  t.strictSame(decodeWholeRpcPacket(bytesOf('00010000007230000077')), {
    type: 'remoteCall',
    node: 1,
    name: 'r0',
    args: []
  })
  t.strictSame(decodeWholeRpcPacket(bytesOf('000a0000807230000077' + '4d61696e00')), {
    type: 'remoteCall',
    node: 'Main',
    name: 'r0',
    args: []
  })
})

const malformed: Array<[name: string, hex: string, byte: number]> = [
  ['an empty packet', '', 0],
  ['an unknown command', '05', 0],
  ['a command with flags', '840102', 0],
  ['a truncated node', '000100', 1],
  ['a name without its NUL', '00010000007231', 5],
  ['no argument count', '0001000000723000', 8],
  ['more arguments than are there', '0001000000723100020200000001000000', 17],
  ['an argument of an unknown type', '000100000072310001ff000000', 9],
  ['an argument that would take its last bytes from the path', '000f000080723100010200000001004d61696e00', 13],
  ['a path outside the packet', '00ff0000807230000000', 5],
  ['a path before the name', '00030000807230000000', 5],
  ['a path inside the name', '00060000807230000000', 5],
  ['a path that is not UTF-8', '000900008072300000ff00', 9],
  ['a set without a value', '01010000007800', 7],
  ['a simplify path without a path id', '020100', 1],
  ['a raw packet without bytes', '04', 1]
]

t.test('rejects malformed packets with an error that names the byte', async t => {
  for (const [name, hex, byte] of malformed) {
    t.throws(() => decodeWholeRpcPacket(bytesOf(hex)), {
      name: 'GodotError',
      code: 'ERR_INVALID_DATA',
      message: new RegExp(`at byte ${byte}$`)
    }, name)
  }
})

t.test('applies options to the arguments', async t => {
  const call: RpcPacket = { type: 'remoteCall', node: 1, name: 'r1', args: [new EncodedObject('Reference')] }
  t.throws(() => encodeRpcPacket(variant3, call), { code: 'ERR_UNAUTHORIZED' })
  const bytes = encodeRpcPacket(variant3, call, { allowObjects: true })
  t.throws(() => decodeWholeRpcPacket(bytes), { code: 'ERR_UNAUTHORIZED' })
  t.strictSame(decodeWholeRpcPacket(bytes, { allowObjects: true }), call)
  t.match(decodeWholeRpcPacket(bytesOf('0001000000723100010300000000004040'), { exactFloats: false }), { args: [3] })
})

t.test('does not encode packets that no receiver could decode', async t => {
  const name = 'r1'
  t.throws(() => encodeRpcPacket(variant3, { type: 'remoteCall', node: 1, name, args: new Array(256).fill(null) }), {
    code: 'ERR_INVALID_PARAMETER'
  })
  const args = new Array(255).fill(null)
  t.equal(encodeRpcPacket(variant3, { type: 'remoteCall', node: 1, name, args }).length, 9 + 255 * 4)
  t.throws(() => encodeRpcPacket(variant3, { type: 'confirmPath', path: 'a\0b' }), { code: 'ERR_INVALID_PARAMETER' })
  t.throws(() => encodeRpcPacket(variant3, { type: 'raw', bytes: new Uint8Array() }), { code: 'ERR_INVALID_DATA' })
})

t.test('random and mutated packets give a packet or a GodotError', async t => {
  const random = new Random(seed)
  const seeds = [...new Set(captures.map(({ hex }) => hex))].map(bytesOf)
  for (let i = 0; i < scaled(10_000); i++) {
    const bytes = random.oneIn(4) ? random.bytes(random.below(40)) : mutated(random, seeds)
    try {
      encodeRpcPacket(variant3, decodeWholeRpcPacket(bytes))
    } catch (error) {
      if (!(error instanceof GodotError)) throw new Error(`SEED=${seed} ${hexOf(bytes)}`, { cause: error })
    }
  }
})
