import t from 'tap'
import { FrameWalker } from '../../../bench/load/frame-walker.ts'
import { Random, seed } from '../../helper/random/random.ts'

const SIZE = 7
const COUNT = 500

t.test('visits every frame once, however the stream is split into chunks', async t => {
  t.comment(`SEED=${seed}`)
  const random = new Random(seed)
  const stream = Buffer.from(Array.from({ length: SIZE * COUNT }, (_, at) => Math.floor(at / SIZE)))
  const visited: number[][] = []
  const walker = new FrameWalker(SIZE, (bytes, start, end) => {
    for (let at = start; at < end; at += SIZE) visited.push([...bytes.subarray(at, at + SIZE)])
  })
  for (let at = 0, end; at < stream.length; at = end) {
    end = Math.min(stream.length, at + 1 + random.below(3 * SIZE))
    walker.walk(stream.subarray(at, end), end - at)
  }
  t.same(visited, Array.from({ length: COUNT }, (_, frame) => Array(SIZE).fill(frame & 255)))
})
