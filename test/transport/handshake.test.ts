import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import t from 'tap'
import { stopTime } from '../helper/clock.ts'
import { nextTurn } from '../helper/memory/frame-client.ts'
import { openServer } from '../helper/sockets/modes.ts'
import { connectRaw, upgradeRequest } from '../helper/sockets/raw-socket.ts'
import { until } from '../helper/until.ts'

/** An upgrade request of exactly `size` bytes. */
function requestOf (size: number): string {
  const bare = upgradeRequest('/', { 'X-Fill': '' })
  return upgradeRequest('/', { 'X-Fill': 'x'.repeat(size - bare.length) })
}

const accepted: Array<[what: string, request: string]> = [
  ['no Host', upgradeRequest('/', { Host: undefined })],
  ['any Connection', upgradeRequest('/', { Connection: 'keep-alive' })],
  ['Upgrade in capitals', upgradeRequest('/', { Upgrade: 'WebSocket' })],
  ['upgrade to something else as well', upgradeRequest('/', { Upgrade: 'h2c, websocket' })],
  ['an empty key', upgradeRequest('/', { 'Sec-WebSocket-Key': '' })],
  ['an extension', upgradeRequest('/', { 'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits' })],
  ['4096 bytes', requestOf(4096)]
]

for (const [what, request] of accepted) {
  t.test(`accepted: ${what}`, async t => {
    const server = await openServer(t, 'own')
    const raw = await connectRaw(t, server.port)
    raw.send(request)
    const { status, headers } = await raw.head()
    t.equal(status, 101)
    t.same(Object.keys(headers), ['upgrade', 'connection', 'sec-websocket-accept'])
  })
}

const refused: Array<[what: string, request: string, status: number, code: string]> = [
  ['two words', 'GET /\r\n\r\n', 400, 'bad-handshake'],
  ['another method', upgradeRequest('/').replace('GET', 'POST'), 400, 'bad-handshake'],
  ['HTTP/1.0', upgradeRequest('/').replace('1.1', '1.0'), 400, 'bad-handshake'],
  ['no upgrade', upgradeRequest('/', { Upgrade: undefined }), 426, 'upgrade-required'],
  ['upgrade to something else', upgradeRequest('/', { Upgrade: 'h2c, websocket/14' }), 400, 'bad-handshake'],
  ['no Connection', upgradeRequest('/', { Connection: undefined }), 400, 'bad-handshake'],
  ['no key', upgradeRequest('/', { 'Sec-WebSocket-Key': undefined }), 400, 'bad-handshake'],
  ['version 12', upgradeRequest('/', { 'Sec-WebSocket-Version': '12' }), 400, 'bad-handshake'],
  ['a line without a colon', upgradeRequest('/').replace('Host:', 'Host'), 400, 'bad-handshake'],
  ['a sub-protocol', upgradeRequest('/', { 'Sec-WebSocket-Protocol': 'chat' }), 400, 'sub-protocol-mismatch'],
  ['4097 bytes', requestOf(4097), 400, 'bad-handshake'],
  ['4097 bytes without an end', 'GET / HTTP/1.1\r\nX-Fill: ' + 'x'.repeat(4097), 400, 'bad-handshake'],
  ['not HTTP at all', '\x16\x03\x01\x02\r\n\r\n', 400, 'bad-handshake']
]

for (const [what, request, wanted, code] of refused) {
  t.test(`refused: ${what}`, async t => {
    const server = await openServer(t, 'own')
    const raw = await connectRaw(t, server.port)
    raw.send(request)
    const { status, headers, body } = await raw.response()
    t.equal(status, wanted)
    t.match(headers, { 'content-type': 'application/problem+json', connection: 'close' })
    t.match(JSON.parse(body), { type: 'about:blank', status: wanted, code, title: /./, detail: /./ })
    t.equal(await raw.end(), 'end', 'and the connection ends')
    raw.socket.end()
    t.equal(server.peerCount, 0)
  })
}

t.test('a 503 refusal contains Retry-After', async t => {
  const server = await openServer(t, 'own', { refuseNewConnections: true })
  const raw = await connectRaw(t, server.port)
  raw.send(upgradeRequest('/'))
  const { status, headers, body } = await raw.response()
  t.equal(status, 503)
  t.match(headers['retry-after'], /^\d+$/)
  t.equal(JSON.parse(body).code, 'refusing-connections')
})

t.test('accepts a request that arrives byte by byte', async t => {
  const server = await openServer(t, 'own')
  const raw = await connectRaw(t, server.port)
  for (const byte of upgradeRequest('/')) {
    raw.send(byte)
    await nextTurn()
  }
  t.equal((await raw.head()).status, 101)
})

t.test('selects the subprotocol like Godot', async t => {
  const server = await openServer(t, 'own', { protocols: ['a', 'b'] })
  const raw = await connectRaw(t, server.port)
  raw.send(upgradeRequest('/', { 'Sec-WebSocket-Protocol': 'z', 'sec-websocket-protocol': 'b, a' }))
  t.equal((await raw.head()).headers['sec-websocket-protocol'], 'b')
})

const timeouts: Array<[what: string, sent: string[]]> = [
  ['silent', []],
  ['half a request line', ['GET / HT']],
  ['dripped headers', upgradeRequest('/').split('').map(byte => byte)]
]

for (const [what, sent] of timeouts) {
  t.test(`handshakeTimeout cuts: ${what}`, async t => {
    const server = await openServer(t, 'own', { handshakeTimeout: 5 })
    const clock = stopTime(t)
    const raw = await connectRaw(t, server.port)
    await until(() => server.countPeers().pending === 1)
    for (let tenth = 0; tenth < 49; tenth++) {
      if (tenth < sent.length) raw.send(sent[tenth])
      await nextTurn()
      clock.advance(100)
    }
    t.equal(server.countPeers().pending, 1)
    clock.advance(200)
    await raw.end()
    t.equal(server.countPeers().pending, 0)
  })
}

t.test('a refused client that does not disconnect is cut after a second', async t => {
  const server = await openServer(t, 'own', { refuseNewConnections: true })
  const clock = stopTime(t)
  const raw = await connectRaw(t, server.port)
  raw.send(upgradeRequest('/'))
  t.equal(await raw.end(), 'end')
  t.equal(server.countPeers().pending, 0)
  let isCut = false
  raw.socket.on('error', () => { isCut = true })
  clock.advance(900)
  for (let i = 0; i < 10; i++) {
    raw.send('x')
    await nextTurn()
  }
  t.notOk(isCut)
  clock.advance(200)
  await until(() => {
    if (!isCut) raw.send('x')
    return isCut
  })
})

t.test('the refusal of a curl request explains the error', async t => {
  const server = await openServer(t, 'own')
  const { stdout } = await promisify(execFile)('curl', ['-s', '-i', `http://127.0.0.1:${server.port}/`])
  t.match(stdout, /^HTTP\/1.1 426 /)
  t.match(stdout, /"code":"upgrade-required"/)
})
