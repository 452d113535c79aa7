import { isDeepStrictEqual } from 'node:util'
import fc from 'fast-check'
import t from 'tap'
import { parseEventStream } from '../../src/client/parse-event-stream.ts'
import { stopTime } from '../helper/clock.ts'
import { until } from '../helper/until.ts'
import { withTimeout } from '../helper/with-timeout.ts'

/** A body that arrives in these chunks. */
function bodyOf (chunks: Uint8Array[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start (controller) {
      for (const chunk of chunks) controller.enqueue(chunk)
      controller.close()
    }
  })
}

async function parse (chunks: Uint8Array[]) {
  const messages = []
  for await (const { id, event, data } of parseEventStream(bodyOf(chunks), 60_000)) messages.push([id, event, data])
  return messages
}

const text = ': heartbeat\n\nid: a-1\nevent: stopped\ndata: {"at": "früh 🎲"}\n\nid: a-2\nretry: 2000\n\n' +
  'id: a-3\nevent: reset\ndata: {}\nretry: 2000\n\nevent: stats\ndata: one\ndata: two\n\n'
const expected = [
  ['a-1', 'stopped', '{"at": "früh 🎲"}'],
  ['a-2', undefined, ''],
  ['a-3', 'reset', '{}\n'],
  [undefined, 'stats', 'one\ntwo']
]

t.test('yields messages, and the position of a block without data', async t => {
  t.same(await parse([Buffer.from(text)]), expected)
})

t.test('accepts CRLF, and ignores an incomplete message at the end', async t => {
  t.same(await parse([Buffer.from(`${text}data: incomplete`.replaceAll('\n', '\r\n'))]), expected)
})

t.test('the result does not depend on where chunks are cut', async t => {
  const bytes = Buffer.from(text)
  await fc.assert(fc.asyncProperty(fc.array(fc.nat(bytes.length)), async cuts => {
    const ends = [0, ...cuts.sort((a, b) => a - b), bytes.length]
    const messages = await parse(ends.slice(1).map((end, i) => bytes.subarray(ends[i], end)))
    return isDeepStrictEqual(messages, expected)
  }))
})

t.test('line separators in data end no line', async t => {
  for (const separator of ['\u2028', '\u2029']) {
    const data = JSON.stringify({ reason: `${separator}retry:${separator}` })
    t.same(await parse([Buffer.from(`id: a-1\ndata: ${data}\n\n`)]), [['a-1', undefined, data]])
  }
})

t.test('throws a TimeoutError when nothing arrives for some time; a comment is enough', async t => {
  const clock = stopTime(t)
  let reads = 0
  let canceled = false
  let controller: ReadableStreamDefaultController<Uint8Array>
  const body = new ReadableStream<Uint8Array>({
    start: given => { controller = given },
    pull: () => { reads++ },
    cancel: () => { canceled = true }
  }, { highWaterMark: 0 })
  const next = parseEventStream(body, 45_000).next().catch((error: unknown) => error)
  for (let read = 1; read < 5; read++) {
    await until(() => reads === read)
    clock.advance(44_999)
    controller!.enqueue(Buffer.from(': heartbeat\n\n'))
  }
  await until(() => reads === 5)
  clock.advance(45_000)
  t.match(await withTimeout(() => 'the error', next), { name: 'TimeoutError' })
  t.ok(canceled)
})
