import t from 'tap'
import { alignedBytes, isHandedOver, messageBytes, ownBytes } from '../../src/protocol/own-bytes.ts'

t.test('copies bytes of any size and kind', async t => {
  for (const size of [0, 1, 8, 63, 64, 65, 200, 4096, 4097, 70_000]) {
    for (const source of [new Uint8Array(size + 5), Buffer.alloc(size + 5)]) {
      source.forEach((_, i) => { source[i] = i & 255 })
      const copies = Array.from({ length: 40 }, () => ownBytes(source, 3, 3 + size))
      source.fill(0)
      copies[0].fill(1)
      const isCorrect = (copy: Uint8Array): boolean =>
        copy.length === size && copy.every((byte, i) => byte === ((i + 3) & 255))
      t.ok(copies.every(copy => copy.constructor === Uint8Array), `Uint8Array from a ${source.constructor.name}`)
      t.ok(copies.slice(1).every(isCorrect), `${size} bytes of a ${source.constructor.name}`)
    }
  }
})

t.test('a kept copy retains little other memory', async t => {
  for (const [size, memory] of [[65, 8192], [512, 8192], [513, 32_768], [4096, 32_768], [4097, 4097]]) {
    for (const source of [new Uint8Array(size), Buffer.alloc(size)]) {
      t.equal(ownBytes(source, 0, size).buffer.byteLength, memory, `${size} bytes`)
    }
  }
  t.equal(ownBytes(new Uint8Array(64), 0, 64).buffer.byteLength, 64)
})

t.test('aligned copies can be viewed as numbers of any type', async t => {
  for (const size of [0, 8, 64, 4096, 8192]) {
    const copy = alignedBytes(Uint8Array.from({ length: size + 3 }, (_, i) => i), 3, size)
    t.equal(copy.byteOffset % 8, 0)
    t.equal(new BigInt64Array(copy.buffer, copy.byteOffset, size / 8).length, size / 8)
    t.equal(copy.every((byte, i) => byte === ((i + 3) & 255)), true)
  }
})

t.test('a copy cannot be transferred to a worker, as that would detach its neighbours', async t => {
  const [copy, neighbour] = [ownBytes(new Uint8Array(100), 0, 100), ownBytes(new Uint8Array(100), 0, 100)]
  // Node 20 ignores the transfer, later versions throw.
  try { structuredClone(copy, { transfer: [copy.buffer as ArrayBuffer] }) } catch {}
  t.same([copy.length, neighbour.length], [100, 100])
})

t.test('a message with memory of its own is not copied, unless it wastes more than it uses', async t => {
  for (const [memory, start, end, isCopy] of [
    [new Uint8Array(100), 0, 100, false],
    [Buffer.from(new ArrayBuffer(100)), 0, 50, false],
    [new Uint8Array(100), 0, 49, true],
    [new Uint8Array(100_000), 0, 100_000, false],
    [new Uint8Array(100_000), 6, 100_000, true]
  ] as const) {
    memory.fill(7)
    const bytes = messageBytes(memory, start, end)
    t.equal(bytes.constructor, Uint8Array)
    t.equal(bytes.buffer !== memory.buffer, isCopy, `${start} to ${end} of ${memory.length}`)
    t.same(Buffer.from(bytes), Buffer.alloc(end - start, 7))
    t.equal(isHandedOver(bytes), !isCopy && end === 100_000)
    t.equal(isHandedOver(bytes.slice()), false)
  }
})
