import t from 'tap'
import { GodotError } from '../../../src/error.ts'
import { encodeCall4, encodeConfirmPath4, encodeSimplifyPath4 } from '../../../src/protocol/multiplayer/rpc4-packet.ts'
import { variant4 } from '../../../src/protocol/variant/variant4.ts'
import { Random, scaled, seed } from '../../helper/random/random.ts'
import { mutated } from '../../helper/random/mutation.ts'
import { bytesOf, hexOf, readVectors } from '../../helper/random/variant-vectors.ts'
import type { Vector } from '../../helper/random/variant-vectors.ts'
import { decodeWholeRpc4Packet } from '../../helper/godot/rpc-packets.ts'
import type { DecodedCall4 } from '../../helper/godot/rpc-packets.ts'

interface Steps { steps: Array<{ frames: Array<{ hex?: string, note?: string }> }> }
const {
  steps, replication, foreign_server: foreign
} = readVectors<Steps & { replication: Steps[], foreign_server: Array<{ client_sent: string[] }> }>('godot4-rpc')

/** Packets of every recorded frame of real processes, without the relay's header and SYS messages. */
const captures = [...new Set([
  ...[{ steps }, ...replication].flatMap(({ steps }) => steps).flatMap(({ frames }) => frames)
    .flatMap(({ hex, note = '' }) => hex === undefined || note.startsWith('id') ? [] : [hex]),
  ...foreign.flatMap(({ client_sent: sent = [] }) => sent).flatMap(line => line.startsWith('2:') ? [line.slice(2)] : [])
].map(hex =>
  hex.startsWith('0703') ? hex.slice(12) : hex).filter(hex => hex !== '' && (parseInt(hex.slice(0, 2), 16) & 7) !== 7))]

/** The bytes of a packet, in its original form. */
function encode (packet: ReturnType<typeof decodeWholeRpc4Packet>, first: number): Uint8Array {
  switch (packet.type) {
    case 'remoteCall': return encodeCall4(variant4, packet.node, packet.method, packet.args, (first >> 4 & 3) === 2)
    case 'simplifyPath': return encodeSimplifyPath4(variant4, packet.md5, packet.id, packet.path)
    case 'confirmPath': return encodeConfirmPath4(variant4, packet.isEqual, packet.id!)
    case 'raw': return Uint8Array.of(3, ...packet.bytes)
    case 'replication': return packet.bytes
  }
}

t.test('decodes and encodes every packet that real Godot 4 processes sent', async t => {
  t.equal(captures.length, 117)
  for (const hex of captures) {
    t.equal(hexOf(encode(decodeWholeRpc4Packet(bytesOf(hex)), parseInt(hex.slice(0, 2), 16))), hex)
  }
})

t.test('decodes and encodes every value recorded as an argument of a call', async t => {
  for (const { rpc = '', rpc_raw: isBare = false, name, hex } of readVectors<Vector[]>('godot4-variant')) {
    const value = variant4.decode(bytesOf(hex))
    const bytes = isBare ? `800103${rpc}` : `00010301${rpc}`
    // The one value that does not arrive in Godot's own form.
    const isLost = isBare && rpc === ''
    t.equal(hexOf(encodeCall4(variant4, 1, 3, [value])), isLost ? '000103011d00000000000000' : bytes, name)
    t.strictSame((decodeWholeRpc4Packet(bytesOf(bytes)) as DecodedCall4).args, isLost ? [] : [value], name)
  }
})

t.test('encodes nodes and methods in the smallest size', async t => {
  const rows: Array<[node: number | string, method: number, isWide: boolean, hex: string]> = [
    [1, 2, false, '800102'],
    [255, 2, false, '80ff02'],
    [256, 2, false, '90000102'],
    [65536, 2, false, 'a00000010002'],
    [1, 2, true, 'a00100000002'],
    [6, 0x8000, false, 'c0060080'],
    [6, 255, false, '8006ff'],
    [6, 256, false, 'c0060001'],
    ['Main', 2, false, 'a006000080024d61696e00'],
    ['Main', 0x8001, true, 'e00700008001804d61696e00']
  ]
  for (const [node, method, isWide, hex] of rows) {
    t.equal(hexOf(encodeCall4(variant4, node, method, [], isWide)), hex)
    t.strictSame(decodeWholeRpc4Packet(bytesOf(hex)), { type: 'remoteCall', node, method, args: [] })
  }
})

t.test('reads both forms of a confirmation', async t => {
  t.equal(hexOf(encodeConfirmPath4(variant4, true, 0xffffffff)), '0201ffffffff')
  t.equal(hexOf(encodeConfirmPath4(variant4, false, 'Main')), '02004d61696e00')
  t.strictSame(decodeWholeRpc4Packet(bytesOf('020107000000')), {
    type: 'confirmPath',
    isEqual: true,
    id: 7,
    path: undefined
  })
  t.strictSame(decodeWholeRpc4Packet(bytesOf('02004d61696e00')), {
    type: 'confirmPath',
    isEqual: false,
    id: undefined,
    path: 'Main'
  })
  t.strictSame(decodeWholeRpc4Packet(bytesOf('020161626300')), {
    type: 'confirmPath',
    isEqual: true,
    id: 0x636261,
    path: 'abc'
  }, 'six bytes may be either form')
})

t.test('rejects malformed packets', async t => {
  const rows = [
    '', '00', '0001', '07', '0700', '0f03', '03', 'b00702', '02', '0201', '020100', '02016162', '0201610062006300',
    '02010100000000', '01' + '00'.repeat(36), 'a099000080024d61696e00', 'a0010000800a4d61696e00', '0007030127000000',
    '000703020205', '00070301840000000100000061000000'
  ]
  for (const hex of rows) t.throws(() => decodeWholeRpc4Packet(bytesOf(hex)), { code: 'ERR_INVALID_DATA' }, hex)
  t.throws(() => decodeWholeRpc4Packet(bytesOf('000703011800000000000000')), { code: 'ERR_UNAUTHORIZED' })
  t.throws(() => encodeCall4(variant4, 1, 2, new Array(256).fill(null)), { code: 'ERR_INVALID_PARAMETER' })
  t.throws(() => encodeCall4(variant4, 'a\0b', 2, []), { code: 'ERR_INVALID_PARAMETER' })
})

t.test('mutated and random packets decode or fail with a GodotError', async t => {
  const random = new Random(seed)
  const seeds = captures.map(bytesOf)
  for (let i = 0; i < scaled(10_000); i++) {
    const bytes = random.oneIn(6) ? random.bytes(random.below(60)) : mutated(random, seeds)
    try {
      decodeWholeRpc4Packet(bytes)
    } catch (error) {
      if (!(error instanceof GodotError)) throw new Error(`SEED=${seed} ${hexOf(bytes)}`, { cause: error })
    }
  }
})
