import t from 'tap'
import { relayWire4 as wire } from '../../../src/protocol/multiplayer/relay-wire4.ts'
import { bytesOf, hexOf } from '../../helper/random/variant-vectors.ts'

t.test('encodes messages that announce peers', async t => {
  t.same(wire.welcome(0x12345678).map(hexOf), ['78563412'])
  t.equal(hexOf(wire.added(2)), '070102000000')
  t.equal(hexOf(wire.removed(0x7fffffff)), '0702ffffff7f')
})

t.test('does not announce invalid client ids, which clients would accept', async t => {
  for (const id of [1, 0, -1, -2147483648]) {
    for (const tell of [wire.welcome, wire.added, wire.removed]) {
      t.throws(() => tell(id), { code: 'ERR_INVALID_PARAMETER' }, String(id))
    }
  }
})

t.test('relaying replaces the four bytes of the id and unused bits of the first byte', async t => {
  const bytes = bytesOf('ff03' + '00000000' + '0faabb')
  wire.stamp(bytes, 0, 9)
  t.equal(hexOf(bytes), '0703' + '09000000' + '0faabb')
})

t.test('reads target and content of a message', async t => {
  const rows: Array<[hex: string, target: number, callAt: number, dataAt: number]> = [
    ['03aa', 1, -1, 1],
    ['800102', 1, 0, 1],
    ['0703' + '00000000' + '03aa', 0, -1, 7],
    ['0703' + 'feffffff' + '800102', -2, 6, 7]
  ]
  for (const [hex, target, callAt, dataAt] of rows) {
    const bytes = bytesOf('ff' + hex)
    t.equal(wire.fault(bytes, 1, bytes.length, 9), undefined, hex)
    t.same([wire.target(bytes, 1), wire.callAt(bytes, 1), wire.dataAt(bytes, 1)], [target, callAt < 0
      ? -1
      : callAt +
      1, dataAt + 1], hex)
  }
})
