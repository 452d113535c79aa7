import t from 'tap'
import type { Logger } from '../../../src/logger.ts'
import type { Authenticate, AuthenticateAnswer } from '../../../src/on-authenticate.ts'
import type { ServerOptions } from '../../../src/options/option-types.ts'
import { Random, scaled, seed } from '../../helper/random/random.ts'
import { stopTime } from '../../helper/clock.ts'
import { FrameClient, nextTurn } from '../../helper/memory/frame-client.ts'
import { putDataTo } from '../../helper/internals.ts'
import { openMemoryServer, recordSignals } from '../../helper/memory/memory-server.ts'

/**
 * A server that asks `authenticate`, what it was asked, what it signals and what it logs as an error; ids are 10, 11
 * ...
 */
async function serve (authenticate: Authenticate, options: Partial<ServerOptions> = {}) {
  const ids = Array.from({ length: 20 }, (_, at) => 10 + at)
  const asked: unknown[][] = []
  const errors: any[] = []
  const log: Logger = { debug: () => {}, info: () => {}, warn: () => {}, error: details => { errors.push(details) } }
  const server = await openMemoryServer({
    gdMpApi: true,
    wire: 'godot4',
    closeTimeout: 0.05,
    authenticate: (peer, data) => {
      asked.push([peer.id, Buffer.from(data).toString()])
      return authenticate(peer, data)
    },
    log,
    ...options
  }, () => ids.shift()!)
  const told = recordSignals(server, [
    'peer_authenticating', 'peer_authentication_failed', 'peer_connected', 'peer_disconnected', 'peer_packet'
  ])
  return { server, asked, told, errors }
}

const say = (client: FrameClient, hex: string): void => { client.binary(Buffer.from(hex, 'hex')) }
const auth = (client: FrameClient, text = ''): void => {
  client.binary(Buffer.concat([Buffer.of(7, 0), Buffer.from(text)]))
}

/** What arrived until nothing more comes. */
async function heard (client: FrameClient): Promise<string[]> {
  const lines: string[] = []
  for (let quiet = 0; quiet < 5;) {
    const news = await client.receivedFrames()
    quiet = news.length === 0 ? quiet + 1 : 0
    lines.push(...news)
  }
  return lines
}

t.test('a client joins when it is accepted and has completed, in either order', async t => {
  for (const isDoneAtOnce of [false, true]) {
    const { server, told } = await serve(async () => true)
    const client = new FrameClient(server)
    t.same(await heard(client), ['2:0a000000'])
    auth(client, 'token')
    if (isDoneAtOnce) auth(client)
    t.same(await heard(client), ['2:0700'])
    t.equal(server.peerCount, Number(isDoneAtOnce))
    if (!isDoneAtOnce) auth(client)
    t.same(await heard(client), [])
    t.equal(server.peerCount, 1)
    t.same(told, [['peer_authenticating', 10], ['peer_connected', 10]])
    say(client, '03aa')
    t.same(told.at(-1), ['peer_packet', 10])
    await server.stop()
  }
})

t.test('before it has joined, a client is not announced, relayed, sent to, counted or found', async t => {
  const { server, told } = await serve(({ id }) => id === 10)
  const [inside, waiting] = [new FrameClient(server), new FrameClient(server)]
  auth(inside, 'x')
  auth(inside)
  t.same(await heard(inside), ['2:0a000000', '2:0700'])
  await heard(waiting)
  told.length = 0
  for (const hex of ['03aa', '07030000000003aa', '07030a00000003aa', '01' + '30'.repeat(32) + '00010000004d00', '']) {
    say(waiting, hex)
  }
  t.equal(server.monitor.drops['not-admitted'], 5)
  say(inside, '07030b00000003bb')
  t.equal(server.monitor.drops['unknown-target'], 1)
  say(inside, '07030000000003cc')
  putDataTo(server, 0, Uint8Array.of(1))
  t.throws(() => putDataTo(server, 11, Uint8Array.of(1)), { code: 'FAILED' })
  t.throws(() => server.getPeer(11), { code: 'ERR_DOES_NOT_EXIST' })
  t.same([server.hasPeer(11), server.peerCount, [...server.peers()].map(({ id }) =>
    id), server.countPeers().pending, [...server.multiplayer.connected]], [false, 1, [10], 1, [10]])
  t.same(await heard(waiting), [])
  t.same(await heard(inside), ['2:0301'])
  await server.stop()
})

t.test('each return value of authenticate accepts, rejects, answers or waits; invalid ones reject', async t => {
  type Answer = ReturnType<Authenticate>
  const rows: Array<[answer: () => Answer, frames: string[], limit: number, errors: number]> =
    [
      [() => true, ['2:0700'], 0, 0],
      [() => false, ['8:03e8'], 1, 0],
      [() => Uint8Array.of(1, 2), ['2:07000102'], 0, 0],
      [() => undefined, ['2:0700'], 0, 0],
      [() => {}, ['2:0700'], 0, 0],
      [() => ({ data: 5 }), ['2:0700'], 0, 0],
      [() => ({}), ['2:0700'], 0, 0],
      [() => null, [], 0, 0],
      [() => ({ status: 403 }), ['8:1133'], 1, 0],
      [() => ({ status: 401, reason: 'no' }), ['8:11316e6f'], 1, 0],
      [() => ({ status: 200 }), ['8:03e8'], 1, 1],
      [() => ({ status: 403, reason: 'x'.repeat(124) }), ['8:03e8'], 1, 1],
      [() => { throw new Error('no') }, ['8:03e8'], 1, 1],
      [async () => await Promise.reject(new Error('no')), ['8:03e8'], 1, 1],
      [() => new Uint8Array(0), ['8:03e8'], 1, 1],
      [() => 'yes' as never, ['8:03e8'], 1, 1],
      [() => 0 as never, ['8:03e8'], 1, 1]
    ]
  for (const [answer, frames, limit, count] of rows) {
    // A shorter one may end before a busy process has written the close frame.
    const { server, told, errors } = await serve(answer, { closeTimeout: 3 })
    const client = new FrameClient(server)
    auth(client, 'token')
    t.same((await heard(client)).slice(1), frames, String(answer))
    t.equal(server.monitor.limits['auth-refused'], limit)
    t.equal(errors.length, count)
    t.same(told, [['peer_authenticating', 10], ...limit === 0 ? [] : [['peer_authentication_failed', 10]]])
    client.connection.disconnect()
    await server.stop()
    t.equal(told.length, 2, 'one end each')
  }
})

t.test('{ data } becomes the data of the peer; other acceptance leaves it', async t => {
  const { server } = await serve((peer, data) => {
    if (data.length === 1) return { data: { name: 'Ann' } }
    peer.data = 'own'
    return undefined
  })
  const clients = [new FrameClient(server), new FrameClient(server)]
  auth(clients[0], 'x')
  auth(clients[1], 'xy')
  for (const client of clients) {
    auth(client)
    await heard(client)
  }
  t.same([10, 11].map(id => server.getPeer(id).data), [{ name: 'Ann' }, 'own'])
  await server.stop()
})

t.test('handles several messages one at a time and in order', async t => {
  let wake = (_: AuthenticateAnswer): void => {}
  const { server, asked } = await serve(async () => await new Promise(resolve => { wake = resolve }))
  const client = new FrameClient(server)
  for (const text of ['one', 'two', 'three']) auth(client, text)
  auth(client)
  say(client, '03aa')
  await heard(client)
  t.same(asked, [[10, 'one']], 'the rest waits')
  wake(Buffer.from('more'))
  t.same(await heard(client), ['2:07006d6f7265'])
  t.same(asked.at(-1), [10, 'two'])
  wake(null)
  await heard(client)
  wake(true)
  t.same(await heard(client), ['2:0700'])
  t.equal(asked.length, 3)
  t.equal(server.peerCount, 1)
  t.equal(server.getAvailablePacketCount(), 1, 'what came behind is heard')
  t.same(server.monitor.drops['not-admitted'], 0)
  await server.stop()
})

for (const autoPoll of [true, false]) {
  t.test(`authenticate is not called for what a client had sent when it left, autoPoll: ${autoPoll}`, async t => {
    const { server, asked, told } = await serve(async () => await new Promise(() => {}), { autoPoll })
    const client = new FrameClient(server)
    const turn = async (): Promise<void> => {
      server.poll()
      await nextTurn()
    }
    await turn()
    for (const text of ['one', 'two', 'three']) auth(client, text)
    auth(client)
    await turn()
    t.same(asked, [[10, 'one']])
    client.connection.disconnect()
    await turn()
    await turn()
    t.same(asked, [[10, 'one']])
    t.same(told, [['peer_authenticating', 10], ['peer_authentication_failed', 10]])
    await server.stop()
  })
}

t.test('authenticate is called with no bytes for a client that completes without sending data', async t => {
  const { server, asked } = await serve((_, data) => data.length === 0)
  const client = new FrameClient(server)
  auth(client)
  t.same((await heard(client)).slice(1), ['2:0700'])
  t.same(asked, [[10, '']])
  t.equal(server.peerCount, 1)
  auth(client)
  t.equal(server.monitor.drops['not-data'], 1, 'once is enough')
  await server.stop()
})

t.test('the application may send data first and accept with completeAuth()', async t => {
  const { server } = await serve(() => null)
  server.on('peer_authenticating', id => { server.sendAuth(id, Buffer.from('?')) })
  const client = new FrameClient(server)
  t.same(await heard(client), ['2:0a000000', '2:07003f'])
  t.throws(() => server.sendAuth(10, new Uint8Array(0)), { code: 'ERR_INVALID_DATA' })
  t.throws(() => server.sendAuth(11, Uint8Array.of(1)), { code: 'ERR_DOES_NOT_EXIST' })
  t.throws(() => server.sendAuth(10, 'text' as never), { code: 'ERR_INVALID_PARAMETER' })
  auth(client)
  await heard(client)
  auth(client, 'too late')
  t.equal(server.monitor.drops['not-admitted'], 1)
  server.completeAuth(10)
  t.same(await heard(client), ['2:0700'])
  t.equal(server.peerCount, 1)
  t.throws(() => server.completeAuth(10), { code: 'ERR_DOES_NOT_EXIST' })
  await server.stop()
})

t.test('completeAuth() while authenticate is pending: its result is ignored', async t => {
  let wake = (_: AuthenticateAnswer): void => {}
  const { server } = await serve(async () => await new Promise(resolve => { wake = resolve }))
  const client = new FrameClient(server)
  auth(client)
  say(client, '03aa')
  server.completeAuth(10)
  t.same((await heard(client)).slice(1), ['2:0700'])
  t.equal(server.peerCount, 1)
  wake(false)
  await heard(client)
  t.equal(server.peerCount, 1)
  t.equal(server.getAvailablePacketCount(), 1)
  await server.stop()
})

t.test('a client is closed with 1000 after authTimeout, even while authenticate is pending', async t => {
  const clock = stopTime(t)
  const { server, told } = await serve(() => {}, { authTimeout: 1 })
  const client = new FrameClient(server)
  clock.advance(999)
  t.same(told, [['peer_authenticating', 10]])
  clock.advance(20)
  t.same((await heard(client)).slice(1), ['8:03e8'])
  auth(client)
  t.equal(server.monitor.limits['auth-timeout'], 1)
  client.send(8, Buffer.from('03e8', 'hex'))
  await nextTurn()
  t.ok(client.connection.isEnded)
  t.equal(server.countPeers().pending, 0)
  t.same(told, [['peer_authenticating', 10], ['peer_authentication_failed', 10]])
  await server.stop()
})

t.test('a client that leaves, is banned or is stopped during authentication never joins', async t => {
  let wake = (_: AuthenticateAnswer): void => {}
  const { server, told } = await serve(async () => await new Promise(resolve => { wake = resolve }))
  const [leaver, banned, cut] = [new FrameClient(server), new FrameClient(server), new FrameClient(server)]
  auth(leaver, 'x')
  leaver.connection.disconnect()
  await nextTurn()
  wake(true)
  await nextTurn()
  t.same(told.splice(0).slice(3), [['peer_authentication_failed', 10]])
  server.ban('127.0.0.1')
  t.same((await heard(banned)).slice(1), ['8:03f0'])
  t.same((await heard(cut)).slice(1), ['8:03f0'])
  server.unban('127.0.0.1')
  const last = new FrameClient(server)
  await heard(last)
  await server.stop()
  t.same((await heard(last)), ['8:03e9'])
  t.same(told.map(([name, id]) => `${String(name)} ${String(id)}`).sort(), [
    'peer_authenticating 13', 'peer_authentication_failed 11', 'peer_authentication_failed 12',
    'peer_authentication_failed 13'
  ])
  t.equal(server.countPeers().pending, 0)
})

t.test('the application may reject a client with a code and a reason', async t => {
  const { server, told } = await serve(() => {})
  const [client, other] = [new FrameClient(server), new FrameClient(server)]
  await heard(other)
  server.disconnectPeer(10, 4003, 'no seat')
  t.throws(() => { server.disconnectPeer(10) }, { code: 'ERR_DOES_NOT_EXIST' }, 'once')
  t.same((await heard(client)).slice(1), ['8:0fa36e6f2073656174'])
  auth(client)
  client.close(4003, 'no seat')
  await nextTurn()
  t.same(told.slice(2), [['peer_authentication_failed', 10]])
  t.same([server.countPeers().pending, server.peerCount], [1, 0])
  await server.stop()
})

t.test('a close during authentication is answered without client_close_request', async t => {
  const { server, told } = await serve(() => {})
  server.on('client_close_request', () => { t.fail('nobody was there who could close') })
  const client = new FrameClient(server)
  client.close(4000, 'bye')
  t.same((await heard(client)).slice(1), ['8:0fa0627965'])
  t.same(told, [['peer_authenticating', 10], ['peer_authentication_failed', 10]])
  await server.stop()
})

t.test('a lower authTimeout applies to clients that are already authenticating', async t => {
  const clock = stopTime(t)
  const { server, told } = await serve(() => {}, { authTimeout: 60 })
  const client = new FrameClient(server)
  clock.advance(5000)
  server.change({ authTimeout: 6 })
  clock.advance(900)
  await nextTurn()
  t.equal(told.length, 1)
  clock.advance(200)
  await nextTurn()
  t.same(told.at(-1), ['peer_authentication_failed', 10])
  t.equal((await client.frames()).at(-1)?.opcode, 8)
})

t.test('without autoPoll, authentication happens in poll()', async t => {
  const clock = stopTime(t)
  const { server, told, asked } = await serve(() => true, { autoPoll: false, authTimeout: 1 })
  const [client, idle] = [new FrameClient(server), new FrameClient(server)]
  server.poll()
  auth(client, 'x')
  auth(client)
  await nextTurn()
  t.same(asked, [])
  server.poll()
  await nextTurn()
  t.equal(server.peerCount, 0)
  server.poll()
  await nextTurn()
  server.poll()
  t.equal(server.peerCount, 1)
  clock.advance(1020)
  t.notOk(told.some(([name]) => name === 'peer_authentication_failed'))
  server.poll()
  t.same(told.at(-1), ['peer_authentication_failed', 11])
  t.same((await heard(idle)).slice(1), [])
  server.poll()
  t.same(await heard(idle), ['8:03e8'], 'the pong is read in the poll')
  const stopped = server.stop()
  clock.advance(1000)
  await stopped
})

t.test('a client counts for limits during authentication', async t => {
  const { server } = await serve(() => true, { maxPeers: 1 })
  const client = new FrameClient(server)
  t.throws(() => { server.checkJoin() }, { code: 'server-full' })
  client.connection.disconnect()
  await nextTurn()
  t.doesNotThrow(() => { server.checkJoin() })
  await server.stop()
})

t.test('write mode and close() work during authentication', async t => {
  const { server } = await serve(peer => {
    (peer as unknown as { setWriteMode: (mode: number) => void }).setWriteMode(0)
    return true
  })
  const [a, b] = [new FrameClient(server), new FrameClient(server)]
  for (const client of [a, b]) {
    auth(client, 'x')
    auth(client)
    await heard(client)
  }
  say(a, '07030000000003aa')
  t.same((await b.frames()).map(({ opcode }) => opcode), [1])
  await server.stop()
})

t.test('with random messages no client joins without being accepted, and nothing fails', async t => {
  const random = new Random(seed)
  const { server, told } = await serve((_, data) =>
    Buffer.from(data).toString() === 'sesame' || random.pick<AuthenticateAnswer>([null, Uint8Array.of(1)]))
  const clients = Array.from({ length: 8 }, () => new FrameClient(server))
  for (let i = 0; i < scaled(1000); i++) {
    const client = random.pick(clients)
    if (random.oneIn(3)) auth(client, random.oneIn(2) ? 'ab' : '')
    else client.binary(random.bytes(random.below(12)))
    if (i % 100 === 0) for (const one of clients) await one.frames()
  }
  t.equal(server.peerCount, 0, `seed ${seed}`)
  t.same(told.filter(([name]) => name !== 'peer_authenticating'), [], `seed ${seed}`)
  await server.stop()
})

t.test('data that is larger than the output buffer is refused, and blames no client', async t => {
  const answers = [new Uint8Array(70_000)]
  const { server, told, errors } = await serve(() => answers.shift() ?? null)
  const client = new FrameClient(server)
  await heard(client)
  t.throws(() => { server.sendAuth(10, new Uint8Array(70_000)) }, { code: 'ERR_OUT_OF_MEMORY' })
  server.sendAuth(10, new Uint8Array(60_000))
  t.equal((await heard(client)).length, 1)
  auth(client, 'token')
  t.match(await heard(client), ['8:03e8'])
  t.match(errors, [{ peer: 10, err: { code: 'ERR_OUT_OF_MEMORY' } }])
  t.equal(server.monitor.limits['slow-peer'], 0)
  t.match(told.at(-1), ['peer_authentication_failed', 10])
})

t.test('a client that was rejected can no longer be accepted', async t => {
  const { server, told } = await serve(() => false)
  const codes: string[] = []
  server.on('peer_authentication_failed', id => {
    try {
      server.completeAuth(id)
    } catch (error) {
      codes.push((error as { code: string }).code)
    }
  })
  const client = new FrameClient(server)
  await heard(client)
  auth(client, 'token')
  t.same(await heard(client), ['8:03e8'])
  t.same(codes, ['ERR_DOES_NOT_EXIST'])
  t.notOk(told.some(([name]) => name === 'peer_connected'))
})

t.test('counts every failure of authenticate, and logs a burst of them once', async t => {
  const { server, errors } = await serve(() => { throw new Error('broken') })
  for (let i = 0; i < 20; i++) {
    const client = new FrameClient(server)
    auth(client, 'token')
    t.same((await heard(client)).at(-1), '8:03e8')
    client.connection.disconnect()
  }
  t.match(errors, [{ err: Error, peer: 10 }])
  t.equal(errors.length, 1)
  t.equal(server.monitor.callbackFailures.authenticate, 20)
  await server.stop()
  t.match(errors.slice(1), [{ hits: 19 }])
})
