import t from 'tap'
import type { UpgradeRequest } from '../../../src/core/admission/upgrade-request.ts'
import { stopTime } from '../../helper/clock.ts'
import { silentLogger } from '../../helper/silent-logger.ts'
import type { HandshakeRequest, OnHandshake } from '../../../src/on-handshake.ts'
import { nextTurn } from '../../helper/memory/frame-client.ts'
import { HandshakeClient, upgradeHeaders } from '../../helper/sockets/handshake-client.ts'
import { openMemoryServer } from '../../helper/memory/memory-server.ts'

/** A listening server with this `onHandshake`, the errors it logs, and a way to join it. */
async function openServer (onHandshake: OnHandshake, protocols: string[] = []) {
  const errors: object[] = []
  const log = { ...silentLogger, error: (details: object) => { errors.push(details) } }
  const server = await openMemoryServer({ onHandshake, protocols, closeTimeout: 0.1, log })
  const join = async (request: Partial<UpgradeRequest> = {}): Promise<HandshakeClient> => {
    const client = new HandshakeClient(server).request(request)
    await nextTurn()
    return client
  }
  return { server, errors, join }
}

t.test('calls onHandshake with the request', async t => {
  const requests: HandshakeRequest[] = []
  const { server, join } = await openServer(request => {
    requests.push(request)
    return {}
  }, ['chat'])
  const headers = { origin: 'http://h', 'sec-websocket-protocol': 'x, chat', authorization: 'Bearer secret' }
  await join({ headers, host: 'h', url: '/ws?room=7&room=8&token=other' })
  t.same(requests, [{
    headers: { ...upgradeHeaders, ...headers },
    url: '/ws?room=7&room=8&token=other',
    query: { room: '8', token: 'other' },
    address: '192.0.2.7',
    port: 50000,
    protocols: ['x', 'chat'],
    room: 'main',
    origin: 'http://h',
    token: 'secret'
  }])
  await server.stop()
})

t.test('the room of the request is query.room, also where the URL repeats it', async t => {
  const rooms: unknown[] = []
  const server = await openMemoryServer({
    rooms: true,
    onHandshake: ({ room, query }) => { rooms.push([room, query.room]) }
  })
  new HandshakeClient(server).request({ url: '/ws?room=a&room=b' })
  await nextTurn()
  t.same(rooms, [['b', 'b']])
  t.same([...server.peers()].map(({ roomName }) => roomName), ['b'])
  await server.stop()
})

const carrier = `base64url.bearer.authorization.${Buffer.from('from the page').toString('base64url')}`

const tokens: Array<[where: string, request: Partial<UpgradeRequest>, token: string | undefined]> = [
  ['nowhere', {}, undefined],
  ['in the header', { headers: { authorization: 'Bearer abc' } }, 'abc'],
  ['in the query', { url: '/?token=a%20b' }, 'a b'],
  ['in the query as access_token', { url: '/?access_token=abc' }, 'abc'],
  ['in a subprotocol', { headers: { 'sec-websocket-protocol': carrier } }, 'from the page'],
  ['everywhere', {
    headers: { authorization: 'Bearer abc', 'sec-websocket-protocol': carrier },
    url: '/?token=x'
  }, 'abc']
]

for (const [where, request, token] of tokens) {
  t.test(`finds a token ${where}`, async t => {
    const found: unknown[] = []
    const { server, join } = await openServer(request => {
      found.push(request.token)
      return {}
    })
    await join(request)
    t.same(found, [token])
    await server.stop()
  })
}

t.test('a subprotocol that carries a token is selected if there is no other, but is never the peer\'s', async t => {
  const { server, join } = await openServer(() => ({}))
  t.equal((await join({
    headers: { 'sec-websocket-protocol': carrier }
  })).head()['sec-websocket-protocol'], carrier.toLowerCase())
  t.same([...server.peers()].map(({ protocol }) => protocol), [''])
  await server.stop()
  const chat = await openServer(() => ({}), ['chat'])
  t.equal((await chat.join({
    headers: { 'sec-websocket-protocol': `${carrier}, chat` }
  })).head()['sec-websocket-protocol'], 'chat')
  t.equal((await chat.join({ headers: { 'sec-websocket-protocol': carrier } })).refusal, 'sub-protocol-mismatch')
  await chat.server.stop()
})

t.test('the returned data become the peer\'s', async t => {
  const { server, join } = await openServer(async () => ({ data: { user: 7 } }))
  server.on('client_connected', id => { t.same(server.getPeer(id).data, { user: 7 }) })
  await join()
  t.same([...server.peers()].map(peer => peer.data), [{ user: 7 }])
  await server.stop()
})

t.test('nothing and true accept, false refuses with 403', async t => {
  const answers = [undefined, true, false]
  const { server, errors, join } = await openServer(() => answers.shift())
  for (const refusal of [undefined, undefined, 'join-refused']) t.equal((await join()).refusal, refusal)
  t.same([server.peerCount, errors], [2, []])
  await server.stop()
})

t.test('refuses with the returned status and reason', async t => {
  const { server, errors, join } = await openServer(() => ({ status: 401, reason: 'who are you?' }))
  t.match((await join()).refusals, [{ code: 'join-refused', statusCode: 401, message: 'who are you?' }])
  t.equal(server.monitor.limits['join-refused'], 1)
  t.same(errors, [])
  await server.stop()
})

const faults: Array<[what: string, onHandshake: OnHandshake]> = [
  ['throws', () => { throw new Error('broken') }],
  ['rejects', async () => { throw new Error('broken') }],
  ['returns null', (() => null) as unknown as OnHandshake],
  ['returns a text', (() => 'yes') as unknown as OnHandshake],
  ['returns bytes', (() => new Uint8Array(1)) as unknown as OnHandshake],
  ['returns a room that is not a string', (() => ({ room: null })) as unknown as OnHandshake],
  ['returns a reason that is not a string', (() => ({ status: 403, reason: 5 })) as unknown as OnHandshake],
  ['refuses with 200', () => ({ status: 200 })],
  ['refuses with a string', () => ({ status: '403' as unknown as number })]
]

for (const [what, onHandshake] of faults) {
  t.test(`refuses when it ${what}; the error is logged, but not sent`, async t => {
    const { server, errors, join } = await openServer(onHandshake)
    const { refusals } = await join({ url: '/?token=secret' })
    t.match(refusals, [{ code: 'join-failed', statusCode: 500, message: 'The server failed; see its log' }])
    t.match(errors, [{ err: Error, url: '/?token=***' }])
    t.equal(server.peerCount, 0)
    await server.stop()
  })
}

t.test('counts every failure, and logs a burst once, with the first 200 characters of the URL', async t => {
  const clock = stopTime(t)
  const { server, errors, join } = await openServer(() => { throw new Error('broken') })
  for (let i = 0; i < 1000; i++) await join({ url: `/ws?token=secret&x=${'y'.repeat(15_000)}` })
  t.match(errors, [{ err: Error, url: /^\/ws\?token=\*\*\*&x=y{184}\.\.\. \(15016 characters\)$/ }])
  clock.advance(10_000)
  t.match(errors.slice(1), [{ hits: 999, seconds: 10 }])
  t.equal(errors.length, 2)
  t.equal(server.monitor.callbackFailures.onHandshake, 1000)
  await server.stop()
})
