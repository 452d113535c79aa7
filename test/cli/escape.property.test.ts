import { once } from 'node:events'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { PassThrough, Readable } from 'node:stream'
import fc from 'fast-check'
import t from 'tap'
import { run } from '../../src/cli/index.ts'
import { eventTypes } from '../../src/client/event-text.ts'
import { scaled } from '../helper/random/random.ts'
import { unsafeCharacters } from '../helper/random/unsafe-characters.ts'
import { withTimeout } from '../helper/with-timeout.ts'

// The service of this test puts control characters into every field of everything it sends.

const unsafe = fc.constantFrom(
  '\u0000', '\u0007', '\b', '\t', '\n', '\r', '\u001B', '\u007F', '\u0085', '\u009B', '\u009D', '\u061C',
  '\u200E', '\u200F', '\u2028', '\u2029', '\u202A', '\u202E', '\u2066', '\u2069',
  '\u001B[2J', '\u009B31m', '\u001B]0;title\u0007'
)
const harmless = fc.oneof(fc.string({ maxLength: 5 }), fc.constantFrom('日本', '\uD83D', 'e\u0301'))
const hostileText = fc.array(fc.oneof(unsafe, harmless), { maxLength: 6 }).map(parts => parts.join(''))

/**
 * Values of the same shape with hostile strings. Numbers become other numbers, strings, or null, which is what JSON
 * makes of infinity.
 */
function hostile<Value> (sample: Value): fc.Arbitrary<any> {
  if (typeof sample === 'string') return hostileText
  if (typeof sample === 'number') return fc.oneof(fc.nat(), fc.double(), hostileText, fc.constant(null))
  if (Array.isArray(sample)) return fc.array(fc.oneof(...sample.map(hostile)), { maxLength: 3 })
  if (typeof sample !== 'object' || sample === null) return fc.constant(sample)
  return fc.record(Object.fromEntries(Object.entries(sample).map(([name, value]) => [name, hostile(value)])))
}

const peer = {
  id: 7,
  room: 'arena-7',
  address: '192.0.2.7',
  port: 5000,
  protocol: 'chat',
  state: 'open',
  connectedAt: '2025-01-31T12:00:00.000Z',
  packetsIn: 1,
  packetsOut: 1,
  bytesIn: 1,
  bytesOut: 1,
  bufferedAmount: 1
}
const bodies = {
  page: { items: [peer], nextCursor: null },
  server: {
    listening: true, gdMpApi: true, wire: 'godot4', protocols: ['chat'], refuseNewConnections: false, uptime: 75
  },
  rooms: {
    items: [{
      name: 'arena-7', openedAt: '2025-01-31T12:00:00.000Z', peers: 1, maxPeers: 8, locked: true, listed: true
    }],
    nextCursor: null
  },
  closing: { state: 'closing', peers: 1 },
  disconnected: { requested: 1, notFound: [7] },
  sent: { recipients: 1, bytes: 1 }
}
const problem = { code: 'bad-request', detail: 'text', errors: [{ pointer: '/query/sort', message: 'text' }] }
const event = {
  at: '2025-01-31T12:00:00.000Z',
  id: 7,
  room: 'arena-7',
  from: 'lobby',
  address: '192.0.2.7',
  port: 5000,
  protocol: 'chat',
  cause: 'server',
  outcome: 'clean',
  code: 1000,
  reason: 'text',
  seconds: 5,
  count: 3,
  limit: 'packet-rate',
  option: 'maxPacketsPerSecond',
  mode: 'own',
  protocols: ['chat'],
  gdMpApi: true,
  action: 'stop',
  by: 'alice',
  parameters: { reason: 'text', ids: [7], nested: { text: 'text' } },
  status: 200,
  target: 7,
  bytes: 1,
  isText: true,
  hex: '1b5b324ac29b',
  standsFor: 2,
  peers: { open: 1, closing: 1, pending: 1 },
  rooms: 2,
  packetsIn: 1,
  packetsOut: 1,
  bytesIn: 1,
  bytesOut: 1,
  packetsRelayed: 1,
  packetsDropped: 1,
  listening: true,
  refuseNewConnections: false
}
const type = fc.oneof(fc.constantFrom<string>(...eventTypes, 'stats', 'reset'), hostileText)
const events = fc.array(fc.tuple(hostile(event), type, fc.boolean()).map(([fields, type, keepsHex]) =>
  ({ ...fields, type, ...(keepsHex ? { hex: event.hex } : {}) })), { minLength: 1, maxLength: 8 })

let respond: (request: IncomingMessage, response: ServerResponse) => void
const service = createServer((request, response) => {
  response.setHeader('connection', 'close')
  respond(request, response)
})
service.unref()
service.listen(0, '127.0.0.1')
await once(service, 'listening')
const url = `http://127.0.0.1:${(service.address() as AddressInfo).port}`

function sendJson (response: ServerResponse, status: number, body: unknown): void {
  response.writeHead(status, { 'content-type': 'application/json' }).end(JSON.stringify(body))
}

/** Sends events, followed by a known one. */
function sendEvents (response: ServerResponse, sent: object[]): void {
  const all = [...sent, { type: 'stopped', at: event.at }]
  response.writeHead(200, { 'content-type': 'text/event-stream' })
  response.write(all.map(one => `data: ${JSON.stringify(one)}\n\n`).join(''))
}

/** The output of a command, which is interrupted as soon as `isComplete` holds for the output. */
async function outputOf (
  args: string[], terminal: object = {}, isComplete: (written: string) => boolean = () => false
): Promise<string> {
  const interrupted = new AbortController()
  let written = ''
  const [output, errors] = [new PassThrough(), new PassThrough()].map(stream => stream.on('data', chunk => {
    written += chunk
    if (isComplete(written)) interrupted.abort()
  }))
  const line = {
    args: [...args, '--url', url],
    env: {},
    input: Readable.from([Buffer.from('packet')]) as never,
    output: Object.assign(output, terminal) as never,
    errors,
    signal: interrupted.signal
  }
  await withTimeout(() => `the end of ${args.join(' ')} after ${JSON.stringify(written)}`, run(line))
  return written
}

/** Whether lines of text have only printable characters. */
function isPrintable (text: string): boolean {
  return text.endsWith('\n') && !unsafeCharacters.test(text.replaceAll('\n', ''))
}

/** Each runs a command. */
const runs = { numRuns: scaled(40) }

const commands: Array<[args: string[], body: unknown]> = [
  [['peers'], bodies.page],
  [['peers', '--json'], bodies.page],
  [['kick', '7'], bodies.disconnected],
  [['rooms'], bodies.rooms],
  [['rooms', '--json'], bodies.rooms],
  [['rooms', 'close', 'arena-7'], bodies.closing],
  [['send'], bodies.sent],
  [['send', '--to', '7'], bodies.sent]
]

for (const [args, body] of commands) {
  t.test(`${args.join(' ')} prints nothing unsafe`, async t => {
    await fc.assert(fc.asyncProperty(hostile(body), async body => {
      respond = (_request, response) => { sendJson(response, 200, body) }
      return isPrintable(await outputOf(args))
    }), runs)
  })
}

t.test('peers --json prints the same values, escaped', async t => {
  await fc.assert(fc.asyncProperty(hostile(bodies.page), async page => {
    respond = (_request, response) => { sendJson(response, 200, page) }
    return JSON.stringify(JSON.parse(await outputOf(['peers', '--json']))) === JSON.stringify(page.items)
  }), runs)
})

t.test('errors print nothing unsafe', async t => {
  const status = fc.constantFrom(400, 401, 404, 500)
  const { errors, ...withoutErrors } = problem
  const body = fc.oneof(hostile(problem), hostile(withoutErrors))
  await fc.assert(fc.asyncProperty(status, body, async (status, body) => {
    respond = (_request, response) => { sendJson(response, status, body) }
    return isPrintable(await outputOf(['peers']))
  }), runs)
})

t.test('watch in a pipe prints nothing unsafe', async t => {
  await fc.assert(fc.asyncProperty(events, async sent => {
    respond = (_request, response) => { sendEvents(response, sent) }
    return isPrintable(await outputOf(['watch'], {}, written => / stopped\n$/.test(written)))
  }), runs)
})

t.test('watch in a terminal prints nothing unsafe but its own escape sequences', async t => {
  // oxlint-disable-next-line no-control-regex
  const own = /\u001B\[(\?(1049|25|7)[hl]|[HJK]|\d+m)|\r\n/g
  const terminal = { isTTY: true, columns: 200, rows: 50, hasColors: () => true }
  await fc.assert(fc.asyncProperty(events, hostile(bodies.server), hostile(bodies.page), async (sent, server, page) => {
    respond = ({ url = '' }, response) => {
      if (url.includes('/events')) sendEvents(response, sent)
      else sendJson(response, 200, url.includes('/peers') ? page : server)
    }
    // oxlint-disable-next-line no-control-regex
    const hasDrawn = (written: string): boolean => /stopped[^]*\u001B\[J$/.test(written)
    const written = await outputOf(['watch'], terminal, hasDrawn)
    return !unsafeCharacters.test(written.replace(own, ''))
  }), runs)
})
