import t from 'tap'
import { compile } from '../../../src/protocol/websocket/unmask-module.ts'
import * as unmasking from '../../../src/protocol/websocket/unmask.ts'
import { Random, scaled, seed } from '../../helper/random/random.ts'

t.comment(`SEED=${seed}`)

/** What happens on a Node with another WebAssembly, or without. */
async function withWebAssembly<Result> (other: object | undefined, run: () => Promise<Result>): Promise<Result> {
  const { WebAssembly } = globalThis as unknown as { WebAssembly: unknown }
  Object.assign(globalThis, { WebAssembly: other })
  try {
    return await run()
  } finally {
    Object.assign(globalThis, { WebAssembly })
  }
}

const plain = await withWebAssembly(undefined, async (): Promise<typeof unmasking> =>
  await import(`${import.meta.resolve('../../../src/protocol/websocket/unmask.js')}?without`))

t.test('there is a module with 64 KiB of memory, and none without WebAssembly', async t => {
  t.equal(unmasking.fastMemory.length, 65536)
  t.equal(plain.fastMemory.length, 65536)
  t.equal(compile()?.memory.length, 65536)
  t.not(plain.unmask, unmasking.unmask)
  const withoutSimd = { Module: class { constructor () { throw new Error('invalid value type') } } }
  t.equal(await withWebAssembly(withoutSimd, async () => compile()), undefined)
})

const memories: Array<[what: string, module: typeof unmasking, memory: Uint8Array]> = [
  ['fast memory', unmasking, unmasking.fastMemory],
  ['other memory', unmasking, new Uint8Array(70_000).subarray(3)],
  ['fast memory without WebAssembly', plain, plain.fastMemory],
  ['other memory without WebAssembly', plain, Buffer.alloc(70_000)]
]

for (const [what, { unmask, unmaskPart }, memory] of memories) {
  t.test(`unmasks ${what} from any offset to any end, and touches no byte beside it`, async t => {
    const wrong: string[] = []
    for (let i = 0; i < scaled(2000); i++) {
      const random = new Random(seed + i)
      const size = random.pick([random.below(70), random.below(300), random.below(60_000)])
      const start = 4 + random.below(200)
      const before = random.bytes(start + size + 200)
      memory.set(before)
      const skew = random.below(5000)
      const key = before.subarray(start - 4, start)
      const isPart = random.oneIn(2)
      if (isPart) unmaskPart(memory, start, start + size, Uint8Array.from(key), skew)
      else unmask(memory, start, start + size)
      const expected = Buffer.from(before)
      const first = isPart ? skew : 0
      for (let at = 0; at < size; at++) expected[start + at] ^= key[(at + first) & 3]
      if (!expected.equals(memory.subarray(0, expected.length))) {
        wrong.push(`SEED=${seed + i}: ${size} bytes at ${start}`)
      }
    }
    t.same(wrong, [])
  })
}
