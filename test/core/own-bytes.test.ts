import t from 'tap'
import { ownBytes } from '../../src/core/own-bytes.ts'

t.test('a copy of its own, of any size, from any kind of bytes', async t => {
  for (const size of [0, 1, 8, 63, 64, 65, 200, 4096, 4097, 70_000]) {
    for (const source of [new Uint8Array(size + 5), Buffer.alloc(size + 5)]) {
      source.forEach((_, i) => { source[i] = i & 255 })
      const copies = Array.from({ length: 40 }, () => ownBytes(source, 3, 3 + size))
      source.fill(0)
      copies[0].fill(1)
      for (const copy of copies.slice(1)) {
        if (copy.length !== size || copy.some((byte, i) => byte !== ((i + 3) & 255))) t.fail(`${size} bytes of a ${source.constructor.name}`)
      }
    }
  }
  t.pass('no copy changed with its source, or with another')
})
