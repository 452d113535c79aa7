import t from 'tap'
import {
  closePayload, copyBytes, headerLength, opcode, payloadLengthAt, payloadLengthOfFrame, writeHeader
} from '../../../src/protocol/websocket/frame.ts'

const heads: Array<[size: number, hex: string]> = [
  [0, '8200'],
  [1, '8201'],
  [125, '827d'],
  [126, '827e007e'],
  [127, '827e007f'],
  [256, '827e0100'],
  [65535, '827effff'],
  [65536, '827f0000000000010000'],
  [0x01020304, '827f0000000001020304'],
  [0xfffefdfc, '827f00000000fffefdfc']
]

for (const [size, hex] of heads) {
  t.test(`the header for ${size} bytes is ${hex} at any offset`, async t => {
    t.equal(headerLength(size), hex.length / 2)
    t.equal(payloadLengthOfFrame(hex.length / 2 + size), size)
    for (const offset of [0, 1, 7]) {
      const target = new Uint8Array(24).fill(0xaa)
      t.equal(writeHeader(target, offset, opcode.BINARY, size), offset + hex.length / 2)
      const around = Buffer.alloc(24, 0xaa)
      around.write(hex, offset, 'hex')
      t.same(Buffer.from(target), around)
      t.equal(payloadLengthAt(target, offset), size)
    }
  })
}

t.test('writes every opcode in a final frame without a mask', async t => {
  for (const code of Object.values(opcode)) {
    const target = new Uint8Array(2)
    writeHeader(target, 0, code, 3)
    t.same(target, Uint8Array.of(0x80 | code, 3))
  }
})

t.test('copies bytes correctly below and above the size where the method of copying changes', async t => {
  const source = Uint8Array.from({ length: 120 }, (_, at) => at + 1)
  for (let size = 0; size <= 100; size++) {
    const target = new Uint8Array(120)
    copyBytes(target, 5, source, 7, 7 + size)
    const wanted = new Uint8Array(120)
    for (let i = 0; i < size; i++) wanted[5 + i] = source[7 + i]
    if (Buffer.compare(target, wanted) !== 0) t.fail(`${size} bytes`)
  }
})

t.test('a close payload is the code, big-endian, and the reason in UTF-8', async t => {
  t.same(Buffer.from(closePayload(1000, '')).toString('hex'), '03e8')
  t.same(Buffer.from(closePayload(4999, 'größe')).toString('hex'), '13876772c3b6c39f65')
  t.equal(closePayload(1000, 'x'.repeat(123)).length, 125)
})

t.test('writes no payload for code 1005', async t => {
  t.equal(closePayload(1005, '').length, 0)
})
