import t from 'tap'
import type { UpgradeRequest } from '../../../src/core/admission/upgrade-request.ts'
import { silentLogger } from '../../../src/logger.ts'
import { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import type { HandshakeRequest, OnHandshake } from '../../../src/on-handshake.ts'
import { MemoryConnection } from '../../helper/memory-connection.ts'
import { accept, handshake } from '../../helper/internals.ts'

/** A listening server that asks `onHandshake`, the errors it logs, and a way to join it. */
async function listening (onHandshake: OnHandshake, protocols: string[] = []) {
  const errors: object[] = []
  const server = new WebSocketServer({ onHandshake, protocols, closeTimeout: 0.1, log: { ...silentLogger, error: details => { errors.push(details) } } }, { mount: { port: 0, tls: false } })
  await server.listen()
  const join = async (asking: Partial<UpgradeRequest> = {}) => {
    const opening = handshake(server, () => {})
    const entry = await opening.decide({ headers: {}, url: '/', host: undefined, address: '192.0.2.7', port: 50001, ...asking })
    accept(server, new MemoryConnection('192.0.2.7', 50001), entry.protocol, opening)
    return entry
  }
  return { server, errors, join }
}

t.test('the application sees what the client asks', async t => {
  const requests: HandshakeRequest[] = []
  const { server, join } = await listening(request => {
    requests.push(request)
    return {}
  }, ['chat'])
  const headers = { origin: 'http://h', 'sec-websocket-protocol': 'x, chat', authorization: 'Bearer secret' }
  await join({ headers, host: 'h', url: '/ws?room=7&room=8&token=other' })
  t.same(requests, [{
    headers,
    url: '/ws?room=7&room=8&token=other',
    query: { room: '8', token: 'other' },
    address: '192.0.2.7',
    port: 50001,
    protocols: ['x', 'chat'],
    origin: 'http://h',
    token: 'secret'
  }])
  await server.stop()
})

const carrier = `base64url.bearer.authorization.${Buffer.from('from the page').toString('base64url')}`

const tokens: Array<[where: string, asking: Partial<UpgradeRequest>, token: string | undefined]> = [
  ['nowhere', {}, undefined],
  ['in the header', { headers: { authorization: 'Bearer abc' } }, 'abc'],
  ['in the query', { url: '/?token=a%20b' }, 'a b'],
  ['in the query, by its other name', { url: '/?access_token=abc' }, 'abc'],
  ['in a sub-protocol', { headers: { 'sec-websocket-protocol': carrier } }, 'from the page'],
  ['in all of them', { headers: { authorization: 'Bearer abc', 'sec-websocket-protocol': carrier }, url: '/?token=x' }, 'abc']
]

for (const [where, asking, token] of tokens) {
  t.test(`a token ${where}`, async t => {
    const found: unknown[] = []
    const { server, join } = await listening(request => {
      found.push(request.token)
      return {}
    })
    await join(asking)
    t.same(found, [token])
    await server.stop()
  })
}

t.test('a sub-protocol with a token is none of the server\'s, but answers a page that asks for no other', async t => {
  const { server, join } = await listening(() => ({}))
  t.same(await join({ headers: { 'sec-websocket-protocol': carrier } }), { protocol: '', answerProtocol: carrier, extensions: '' })
  await server.stop()
  const chat = await listening(() => ({}), ['chat'])
  t.same(await chat.join({ headers: { 'sec-websocket-protocol': `${carrier}, chat` } }), { protocol: 'chat', answerProtocol: 'chat', extensions: '' })
  await t.rejects(chat.join({ headers: { 'sec-websocket-protocol': carrier } }), { code: 'sub-protocol-mismatch' })
  await chat.server.stop()
})

t.test('the data it gives are the peer\'s', async t => {
  const { server, join } = await listening(async () => ({ data: { user: 7 } }))
  server.on('client_connected', id => { t.same(server.getPeer(id).data, { user: 7 }) })
  await join()
  t.same([...server.peers()].map(peer => peer.data), [{ user: 7 }])
  await server.stop()
})

t.test('it refuses with a status and a reason', async t => {
  const { server, errors, join } = await listening(() => ({ status: 401, reason: 'who are you?' }))
  await t.rejects(join(), { code: 'join-refused', statusCode: 401, message: 'who are you?' })
  t.equal(server.monitor.limits['join-refused'], 1)
  t.same(errors, [])
  await server.stop()
})

const faults: Array<[what: string, onHandshake: OnHandshake]> = [
  ['throws', () => { throw new Error('broken') }],
  ['rejects', async () => { throw new Error('broken') }],
  ['answers nothing', (() => {}) as unknown as OnHandshake],
  ['answers true', (() => true) as unknown as OnHandshake],
  ['refuses with 200', () => ({ status: 200 })],
  ['refuses with no number', () => ({ status: '403' as unknown as number })]
]

for (const [what, onHandshake] of faults) {
  t.test(`nobody gets in when it ${what}; the log tells, the client is not told`, async t => {
    const { server, errors, join } = await listening(onHandshake)
    await t.rejects(join({ url: '/?token=secret' }), { code: 'join-failed', statusCode: 500, message: 'The server failed; see its log' })
    t.match(errors, [{ err: Error, url: '/?token=***' }])
    t.equal(server.peerCount, 0)
    await server.stop()
  })
}
