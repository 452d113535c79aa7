import t from 'tap'
import type { Test } from 'tap'
import type { SignalName } from '../../../../src/core/server/signals.ts'
import type { WebSocketServer } from '../../../../src/core/server/websocket-server.ts'
import type { ServerOptions } from '../../../../src/options/option-types.ts'
import { stopTime } from '../../../helper/clock.ts'
import { FrameClient, nextTurn } from '../../../helper/memory/frame-client.ts'
import { readVectors } from '../../../helper/random/variant-vectors.ts'
import { putDataTo } from '../../../helper/internals.ts'
import { openGodot4Server } from '../../../helper/memory/memory-server.ts'

/** What went over one connection in a step, and what each process made of it: S is the server. */
interface Frame {
  conn: string
  dir: 'client>server' | 'server>client'
  opcode?: number
  hex?: string
  tcp?: string
  http?: string
}
interface Step { step: string, frames: Frame[], result: { ret: unknown, events: Record<string, unknown[][]> } }
interface Session { title: string, ids: Record<string, number>, steps: Step[] }

const recorded = readVectors<{ ids: Record<string, number>, steps: Step[], sessions: Session[] }>('godot4-session')
const sessionOf = (title: string): Session => recorded.sessions.find(session => session.title === title) as Session

/** A server in the place of the recorded one: it gives the recorded ids, and reports its signals in Godot's words. */
async function serve (ids: Record<string, number>, options: Partial<ServerOptions> = {}) {
  const server = await openGodot4Server(options, Object.values(ids))
  const told: unknown[][] = []
  for (const name of [
    'peer_connected', 'peer_disconnected', 'peer_authenticating', 'peer_authentication_failed'
  ] as SignalName[]) server.on(name, (...args: unknown[]) => { told.push([`api.${name}`, ...args]) })
  server.on('peer_packet', () => {
    const source = server.getPacketPeer()
    told.push(['api.peer_packet', source, Buffer.from(server.getPacket()).toString('hex')])
  })
  return { server, told }
}

/** What the step's text says the server's script did; all else came from the clients. */
type Acts =
  ReadonlyArray<[RegExp, (server: WebSocketServer, id: (name: string) => number, ...groups: string[]) => unknown]>

const acts: Acts = [
  [/^S: send_bytes\(\[(\d+)\], (\S+?)( .*)?\)$/, (server, id, byte, target) => {
    const to = /[A-J]$/.test(target) ? id(target.at(-1)!) * (target.startsWith('-') ? -1 : 1) : Number(target)
    putDataTo(server, to, Uint8Array.of(Number(byte)))
  }],
  [/^S: .*disconnect_peer\((\w)(, true)?\)$/, (server, id, name) => { server.disconnectPeer(id(name)) }],
  [/^S: peer.get_peer\((\w)\).close\((\d+), "(\w+)"\)$/, (server, id, name, code, reason) => {
    server.disconnectPeer(id(name), Number(code), reason)
  }],
  [/^S: send_auth\((\w), (\w+)\)$/, (server, id, name, hex) => { server.sendAuth(id(name), Buffer.from(hex, 'hex')) }],
  [/^S: complete_auth\((\w)\)$/, (server, id, name) => { server.completeAuth(id(name)) }],
  [/^S: peer.close\(\)$/, async server => { await server.stop(1000) }],
  [/^S: get_peers\(\)/, server => [...server.peers()].map(({ id }) => id)]
]

/** Where our server does something else. */
interface Difference {
  returns?: unknown
  gets?: (name: string, frames: string[]) => string[]
  signals?: (told: unknown[][]) => unknown[][]
  throws?: string
  wait?: () => void
}

/** How many frames of the session were replayed, both ways. */
async function replay (
  t: Test,
  { ids, steps }: Pick<Session, 'ids' | 'steps'>,
  served: Awaited<ReturnType<typeof serve>>,
  differences: Record<string, Difference> = {}
): Promise<number> {
  const { server, told } = served
  let replayed = 0
  const clients = new Map<string, FrameClient>()
  const idOf = (name: string): number => ids[name]
  for (const { step, frames, result } of steps) {
    const {
      returns = result.ret, gets = (_, frames) => frames, signals = told => told, throws, wait
    } = differences[step] ?? {} as Difference
    const [, joining] = /^client (\w) connects/.exec(step) ?? []
    if (joining !== undefined) clients.set(joining, new FrameClient(server))
    const found = acts.map(([pattern, act]) => ({ groups: pattern.exec(step)?.slice(1), act }))
      .filter(({ groups }) => groups !== undefined)
    t.equal(found.length, Number(step.startsWith('S: ')), `${step}: known`)
    for (const { act, groups = [] } of found) {
      if (throws !== undefined) t.throws(() => act(server, idOf, ...groups), { code: throws }, step)
      else if (step.includes('get_peers')) {
        t.same((
          await act(server, idOf) as number[]).sort(), (returns as number[]).sort(), step
        )
      } else await act(server, idOf, ...groups)
    }
    await nextTurn()
    if (wait !== undefined) {
      wait()
      await nextTurn()
    }
    // A close frame of the server is answered once it is there.
    for (const { conn, dir, opcode, hex, tcp } of frames) {
      if (dir !== 'client>server') continue
      if (hex !== undefined) {
        clients.get(conn)!.send(opcode!, Buffer.from(hex, 'hex'))
        replayed++
      }
      if (tcp !== undefined && !frames.some(frame => frame.conn === conn && frame.opcode === 8)) {
        clients.get(conn)!.connection.disconnect()
      }
    }
    for (const [name, client] of clients) {
      const sent = frames.filter(({ conn, dir, hex }) => conn === name && dir === 'server>client' && hex !== undefined)
        .map(({ opcode, hex }) => `${opcode!}:${hex!}`)
      t.same(await client.receivedFrames(), gets(name, sent), `${step}: what ${name} gets`)
      replayed += sent.length
    }
    t.same(told.splice(0), signals(result.events.S ?? []), `${step}: what the server tells`)
  }
  t.equal(replayed, steps.flatMap(({ frames }) => frames).filter(({ hex }) => hex !== undefined).length, 'every frame')
  return replayed
}

t.test('reproduces the recorded session of Godot 4 frame by frame', async t => {
  const { ids } = recorded
  const gone = (name: string): Difference['signals'] => () => [['api.peer_disconnected', ids[name]]]
  const del = (name: string): string => `2:0702${id(ids[name])}`
  const replayed = await replay(t, recorded, await serve(ids), {
    // Godot's own script hears of its error by the return value.
    'S: send_bytes([15], 424242 unknown)': { throws: 'FAILED' },
    // Godot does not signal what its own script brings about.
    'S: MultiplayerAPI disconnect_peer(B)': { signals: gone('B') },
    // An engine defect: nobody hears that the peer has gone.
    'S: peer.disconnect_peer(I, true)': {
      signals: gone('I'),
      gets: (name, frames) => name === 'A' ? [del('I')] : frames
    },
    'client J connects': {
      gets: (name, frames) => name === 'J' ? frames.filter(frame => !frame.endsWith(id(ids.I))) : frames
    },
    // Godot ends TCP without a close frame.
    'S: peer.close()': {
      signals: () => [['api.peer_disconnected', ids.A], ['api.peer_disconnected', ids.J]],
      gets: (name, frames) => name === 'A' || name === 'J' ? ['8:03e8'] : frames
    },
    // There I is still there.
    'S: get_peers() afterwards': { returns: [ids.A] }
  })
  t.same([recorded.steps.length, replayed], [41, 84])
})

t.test('reproduces the recorded session of authentication on both sides', async t => {
  const session = sessionOf('authentication on both sides')
  const served = await serve(session.ids, {
    authenticate: ({ id }, data) => {
      if (data.length > 0) served.told.push(['auth', id, Buffer.from(data).toString('hex')])
      return null
    }
  })
  // The last client gives up by itself.
  t.equal(await replay(t, session, served, {
    'client C connects': { signals: told => [['api.peer_authenticating', session.ids.C], ...told] }
  }), 14)
  t.equal(served.server.peerCount, 2)
  await served.server.stop()
})

t.test('closes a client that does not authenticate, as in the recorded session', async t => {
  const session = sessionOf('authentication at the server only')
  const clock = stopTime(t)
  const served = await serve(session.ids, { authTimeout: 1, authenticate: () => null })
  t.equal(await replay(t, session, served, { 'S: complete_auth(A)': { wait: () => { clock.advance(1020) } } }), 5)
  t.equal(served.server.monitor.drops['not-admitted'], 1)
  t.equal(served.server.monitor.limits['auth-timeout'], 1)
  await served.server.stop()
})

t.test('a client that alone requires authentication closes, as in the recorded session', async t => {
  const session = sessionOf('authentication at the client only')
  const served = await serve(session.ids)
  t.equal(await replay(t, session, served), 4)
  await served.server.stop()
})

t.test('reproduces the recorded sessions with the relay disabled on either side, and with pings', async t => {
  for (const [title, serverRelay, frames] of [
    ['server_relay off at the server', false, 7], ['server_relay off at the client', true, 10], ['heartbeat', true, 9]
  ] as const) {
    const session = sessionOf(title)
    const served = await serve(session.ids, { serverRelay })
    // Nobody has registered the node here.
    t.equal(await replay(t, session, served, { 'A: rpc("r0")': { signals: () => [] } }), frames)
    await served.server.stop()
  }
})

t.test('all recorded sessions are tested', async t => {
  // That about protocols is one of handshakes: test/plugins/wires/godot4-handshake.test.ts.
  t.same(recorded.sessions.map(({ title }) => title), [
    'authentication on both sides', 'authentication at the server only', 'authentication at the client only',
    'server_relay off at the server', 'server_relay off at the client', 'refusing, protocols and headers', 'heartbeat'
  ])
})

function id (value: number): string {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value)
  return bytes.toString('hex')
}
