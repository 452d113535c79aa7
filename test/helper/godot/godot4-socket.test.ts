import { once } from 'node:events'
import { createServer, type AddressInfo, type Socket } from 'node:net'
import t from 'tap'
import type { Test } from 'tap'
import { frame, frameSize, parseFrame } from '../sockets/raw-frame.ts'
import { acceptKeyOf, responseFault, Godot4Socket } from './godot4-socket.ts'
import { until } from '../until.ts'
import { readVectors } from '../random/variant-vectors.ts'

interface Answered { case: string, request: string, status: 'connected' | 'disconnected' }
const { handshake } = readVectors<{ handshake: Answered[] }>('godot4-session')

/**
 * How the answers of the file differ from the plainest; a header set to undefined is left out, a text stands for all of
 * it.
 */
const answers: Record<string, string | Record<string, string>> = {
  'no protocols, plain 101': {},
  'protocols alpha, beta; server picks beta': { 'Sec-WebSocket-Protocol': 'beta' },
  'protocols asked; server names none': {},
  'protocols asked; server names another': { 'Sec-WebSocket-Protocol': 'gamma' },
  'none asked; server names one': { 'Sec-WebSocket-Protocol': 'alpha' },
  'handshake_headers X-Token: abc': {},
  'Connection: keep-alive, Upgrade': { Connection: 'keep-alive, Upgrade' },
  'header names in lower case, extra headers': { upgrade: 'WebSocket', 'x-more': 'yes' },
  'wrong accept key': { 'Sec-WebSocket-Accept': 'AAAAAAAAAAAAAAAAAAAAAAAAAAA=' },
  404: 'HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\nX-One: 1\r\nX-Two: 2\r\n\r\n',
  'permessage-deflate offered back': { 'Sec-WebSocket-Extensions': 'permessage-deflate' },
  'HTTP/1.0 101':
    'HTTP/1.0 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: x\r\n\r\n',
  'headers of 4200 bytes': { 'X-Long': 'x'.repeat(4100) },
  'header without a value': { 'X-Empty': '' }
}

function answerTo (request: string, bent: Record<string, string> = {}): string {
  const headers = { Upgrade: 'websocket', Connection: 'Upgrade', 'Sec-WebSocket-Accept': acceptKeyOf(request), ...bent }
  return ['HTTP/1.1 101 Switching Protocols', ...Object.entries(headers)
    .map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n')
}

t.test('the simulated client accepts the same handshake responses as the recorded real one', async t => {
  const silent = handshake.filter(({ case: name }) => /no answer/.test(name))
  t.same([handshake.length, silent.length], [16, 2])
  for (const { case: name, request, status } of handshake) {
    const bent = answers[name]
    if (bent === undefined) t.ok(silent.some(one => one.case === name), name)
    else {
      t.equal(responseFault(typeof bent === 'string'
        ? bent
        : answerTo(request, bent), request) === undefined, status === 'connected', name)
    }
  }
  const silentServer = createServer().listen(0, '127.0.0.1')
  await once(silentServer, 'listening')
  await t.rejects(Godot4Socket.connect(t, (silentServer.address() as AddressInfo).port, '/', [], undefined, 0.05), {
    name: 'AbortError'
  })
  silentServer.close()
})

interface Told { case: string, client_events: unknown[][], client_sent: string[], client_id: number }
const { foreign_server: cases } = readVectors<{ foreign_server: Told[] }>('godot4-rpc')
const recorded = (name: string): Told => cases.find(one => one.case === name)!

/** A scripted server with one client; `sent` contains its frames in the format of the file. */
async function serve (t: Test) {
  const server = createServer().listen(0, '127.0.0.1')
  t.teardown(() => server.close())
  await once(server, 'listening')
  const sent: string[] = []
  const [[socket], client] =
    await Promise.all([once(server, 'connection') as Promise<[Socket]>, new Promise<Godot4Socket>((resolve, reject) => {
      server.once('connection', (socket: Socket) => {
        socket.once('data', request => { socket.write(answerTo(request.toString())) })
      })
      Godot4Socket.connect(t, (server.address() as AddressInfo).port, '/').then(resolve, reject)
    })])
  t.teardown(() => socket.destroy())
  let unread = Buffer.alloc(0)
  socket.on('data', bytes => {
    unread = Buffer.concat([unread, bytes])
    for (let size = frameSize(unread); size !== undefined; size = frameSize(unread)) {
      const { opcode, payload } = parseFrame(unread.subarray(0, size))
      sent.push(`${opcode}:${payload.toString('hex')}`)
      unread = unread.subarray(size)
    }
  }).on('end', () => { sent.push('tcp end') }).on('error', () => {})
  const say = (hex: string, code = 2, bits: object = {}): void => {
    socket.write(frame(code, Buffer.from(hex, 'hex'), { mask: false, ...bits }))
  }
  return { socket, client, sent, say }
}

type Served = Awaited<ReturnType<typeof serve>>

/** Actions of the server by case name of the file. */
const acts: Record<string, (served: Served) => void> = {
  'id as text': ({ say }) => { say('41000000', 1) },
  'id in two fragments': ({ say }) => {
    say('0903', 2, { fin: false })
    say('0000', 0)
  },
  'server closes 4002 "srv"': ({ say }) => { say('0fa2737276', 8) },
  'server closes without code': ({ say }) => { say('', 8) },
  'server ends TCP': ({ socket }) => { socket.end() },
  'server resets TCP': ({ socket }) => { socket.resetAndDestroy() },
  'masked frame from server': ({ say }) => { say('03aa', 2, { mask: true }) },
  'text with bad UTF-8': ({ say }) => { say('03ff', 1) }
}

t.test('on a socket the simulated client behaves like the recorded real one', async t => {
  for (const [name, act] of Object.entries(acts)) {
    const { client_events: events, client_sent: expected } = recorded(name)
    const served = await serve(t)
    const { client: { game }, say, sent } = served
    if (!name.startsWith('id ')) {
      say('09030000')
      await until(() => game.id === 777)
      game.events.length = 0
    }
    act(served)
    await until(() => game.events.length >= events.length && sent.length >= expected.length)
    t.same(game.events, events, `${name}: events`)
    t.same(sent, expected, `${name}: sent`)
  }
})

t.test('waits for its id, answers pings, and closes on a message that is too large', async t => {
  const { client: { game }, say, sent } = await serve(t)
  for (let i = 0; i < 6; i++) game.sendBytes(new Uint8Array(60000))
  t.same([game.id, game.events], [0, recorded('nothing for 3.3 s').client_events])
  game.refusals.length = 0
  say('09030000')
  say('')
  say('03ab')
  say('', 9)
  await until(() => sent.length > 0)
  t.same(sent, recorded('ping from server').client_sent)
  t.same(game.events.at(-1), ['api.peer_packet', 1, Buffer.of(0xab)])
  t.same(game.refusals.splice(0), ['empty message'])
  for (let i = 0; i < 6; i++) game.sendBytes(new Uint8Array(60000), 1)
  t.same(game.refusals, [], 'bytes in the kernel do not count for its own limit')
  await until(() => sent.length === 7)
  // A message of the server arrives first, as in the file.
  say('070201000000')
  say('00'.repeat(65536))
  await until(() => sent.length === 9)
  t.same(sent.slice(-2), recorded('65536 bytes').client_sent)
  t.same(game.events.at(-1), ['api.server_disconnected'])
  const before = game.events.length
  game.receive(Buffer.of(3, 1))
  t.equal(game.events.length, before, 'afterwards')
})
