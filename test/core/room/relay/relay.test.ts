import { join } from 'node:path'
import { readFileSync } from 'node:fs'
import t from 'tap'
import type { WebSocketServer } from '../../../../src/core/server/websocket-server.ts'
import { simulateTime } from '../../../helper/clock.ts'
import { Random, scaled, seed } from '../../../helper/random/random.ts'
import { FrameClient, nextTurn } from '../../../helper/memory/frame-client.ts'
import { receive, sendToAll, sessionOf } from '../../../helper/internals.ts'
import { root } from '../../../../scripts/root.ts'
import { openMemoryServer, recordSignals } from '../../../helper/memory/memory-server.ts'

interface RecordedFrame {
  conn: string
  dir: 'client>server' | 'server>client'
  opcode?: number
  hex?: string
  tcp?: string
}
interface Step {
  step: string
  frames: RecordedFrame[]
  result?: Record<string, { signals: Array<[string, number]>, queue: Array<[number, string]> }>
}
interface SingleCase {
  name: string
  ids: Record<string, number>
  a_sends: { opcode: number, hex: string }
  server_signals: Array<[string, number]>
  server_queue: Array<{ from: number, payload: string }>
  received: Record<string, Array<{ opcode: number, hex: string }>>
}

const recorded: { ids: Record<string, number>, steps: Step[], single_frame_cases: SingleCase[] } =
  JSON.parse(readFileSync(join(root, 'test/vectors/multiplayer-session.json'), 'utf8'))

/** A multiplayer server that assigns these ids in this order, and records its signals. */
async function multiplayerServer (ids: number[]) {
  const server = await openMemoryServer({ gdMpApi: true, closeTimeout: 0.2 }, [...ids])
  const signals = recordSignals(server, [
    'peer_connected', 'peer_disconnected', 'peer_packet', 'client_close_request', 'client_connected',
    'data_received'
  ])
  return { server, signals }
}

function drain (server: WebSocketServer): Array<{ from: number, payload: string }> {
  const packets = []
  while (server.getAvailablePacketCount() > 0) {
    packets.push({ from: server.getPacketPeer(), payload: Buffer.from(server.getPacket()).toString('hex') })
  }
  return packets
}

t.test('reproduces the recorded session of Godot 3.2.3 frame by frame', async t => {
  const { server, signals } = await multiplayerServer([recorded.ids.A, recorded.ids.B, recorded.ids.C, recorded.ids.D])
  const clients = new Map<string, FrameClient>()
  let stopped: Promise<void> | undefined
  // What the step's text says the server's script did; all else came from the clients.
  const acts: Array<[RegExp, (name: string) => void]> = [
    [/^client (\w) connects/, name => clients.set(name, new FrameClient(server))],
    [/^S: set_target_peer\((.*)\); put_packet\("(.*)"\)/, () => {}],
    [/^C: process killed/, () => clients.get('C')!.connection.disconnect()],
    [/^S: disconnect_peer\(A, 4001, "kick"\)/, () => server.disconnectPeer(recorded.ids.A, 4001, 'kick')],
    [/^S: stop/, () => { stopped = server.stop(1000) }]
  ]
  for (const { step, frames, result } of recorded.steps) {
    for (const [pattern, act] of acts) {
      const match = pattern.exec(step)
      if (match === null) continue
      act(match[1])
      if (match[2] !== undefined) {
        server.setTargetPeer(Number(match[1].replace(/[A-D]/, name => String(recorded.ids[name]))))
        server.putPacket(Buffer.from(match[2]))
      }
    }
    await nextTurn()
    for (const { conn, dir, opcode, hex } of frames) {
      if (dir === 'client>server' && hex !== undefined) clients.get(conn)!.send(opcode!, Buffer.from(hex, 'hex'))
    }
    for (const [name, client] of clients) {
      const expected = frames.filter(({ conn, dir, hex }) =>
        conn === name && dir === 'server>client' && hex !== undefined)
        .map(({ opcode, hex }) => `${opcode!}:${withoutNul(opcode!, hex!)}`)
      t.same(await client.receivedFrames(), expected, `${step}: what ${name} gets`)
    }
    const isToAllButServer = step.includes('set_target_peer(-1)')
    const kept = drain(server).map(({ from, payload }) => [from, payload])
    // The one difference: a packet to all but the server does not reach the server.
    t.same(kept, isToAllButServer ? [] : result?.S?.queue ?? kept, `${step}: what the server keeps`)
  }
  t.same(
    signals.filter(([name]) => name === 'peer_connected').map(([, id]) => id),
    ['A', 'B', 'C', 'D'].map(name => recorded.ids[name])
  )
  t.same(signals.filter(([name]) => name === 'client_close_request'), [[
    'client_close_request', recorded.ids.B, 4000, 'bye'
  ]])
  await stopped
  t.same(
    signals.filter(([name]) => name === 'peer_disconnected').map(([, id]) => id),
    ['B', 'C', 'A', 'D'].map(name => recorded.ids[name])
  )
})

/** Godot ends its reasons with a NUL, we do not; an echo gives back what came. */
function withoutNul (opcode: number, hex: string): string {
  return opcode === 8 && hex === '0fa16b69636b00' ? hex.slice(0, -2) : hex
}

t.test('relays each frame to the same receivers as Godot', async t => {
  for (const one of recorded.single_frame_cases) {
    await t.test(one.name, async t => {
      simulateTime(t)
      const { server, signals } = await multiplayerServer([one.ids.A, one.ids.B, one.ids.C])
      const clients = { A: new FrameClient(server), B: new FrameClient(server), C: new FrameClient(server) }
      for (const client of Object.values(clients)) await client.frames()
      signals.length = 0

      clients.A.send(one.a_sends.opcode, Buffer.from(one.a_sends.hex, 'hex'))

      const isToAllButServer = one.name === 'to all but the server'
      t.same(signals, isToAllButServer ? [] : one.server_signals)
      t.same(drain(server), isToAllButServer ? [] : one.server_queue)
      for (const [name, client] of Object.entries(clients)) {
        t.same(
          await client.receivedFrames(), one.received[name].map(({ opcode, hex }) => `${opcode}:${hex}`),
          `what ${name} gets`
        )
      }
      t.ok(server.hasPeer(one.ids.A), 'the sender stays')
      await server.stop()
    })
  }
})

t.test('dropped packets are counted by reason', async t => {
  const { server } = await multiplayerServer([10, 11])
  const [a] = [new FrameClient(server), new FrameClient(server)]
  const packet = (type: number, source: number, target: number, size = 2) => {
    const bytes = Buffer.alloc(9 + size)
    bytes[0] = type
    bytes.writeInt32LE(source, 1)
    bytes.writeInt32LE(target, 5)
    return bytes
  }
  a.binary(Buffer.alloc(8))
  a.binary(packet(1, 10, 0))
  a.binary(packet(0, 11, 0))
  a.binary(packet(0, 10, 99))
  a.binary(packet(0, 10, 10))
  a.binary(packet(0, 10, 0, 65536 - 9))
  t.match(server.monitor.drops, {
    'short-packet': 1,
    'not-data': 1,
    'spoofed-source': 1,
    'unknown-target': 1,
    'own-target': 1,
    'too-big': 1,
    unread: 0
  })
  t.ok(server.hasPeer(10))
  await server.stop()
})

t.test('a peer in text mode receives relayed packets as text, in order', async t => {
  const { server } = await multiplayerServer([10, 11, 12])
  const [a, b, c] = [new FrameClient(server), new FrameClient(server), new FrameClient(server)]
  for (const client of [a, b, c]) await client.frames()
  server.getPeer(11).setWriteMode(0)
  a.send(1, Buffer.from('000a00000000000000414243', 'hex'))
  t.same(await b.receivedFrames(), ['1:000a00000000000000414243'])
  t.same(await c.receivedFrames(), ['2:000a00000000000000414243'])
  server.getPeer(11).setWriteMode(1)
  a.send(2, Buffer.from('000a0000000b00000041', 'hex'))
  a.send(2, Buffer.from('000a0000000000000042', 'hex'))
  t.same(await b.receivedFrames(), ['2:000a0000000b00000041', '2:000a0000000000000042'])
  await server.stop()
})

for (const when of ['is closing', 'has ended'] as const) {
  t.test(`a member whose write mode changes while it ${when} gets nothing more`, async t => {
    const server = await openMemoryServer({ gdMpApi: true, lastWords: false }, [10, 11])
    const [leaving, other] = [new FrameClient(server), new FrameClient(server)]
    await leaving.frames()
    const peer = server.getPeer(10)
    const sayInText = (): void => {
      peer.setWriteMode(0)
      t.throws(() => { peer.putPacket(Buffer.from('bye')) }, { code: 'FAILED' })
      peer.setWriteMode(1)
    }
    if (when === 'has ended') server.once('peer_disconnected', sayInText)
    peer.close(4000)
    if (when === 'is closing') sayInText()
    else leaving.close(4000)
    server.putPacket(Buffer.from('hello'))
    other.send(2, Buffer.from('000b0000000000000042', 'hex'))
    t.same((await leaving.frames()).map(({ opcode }) => opcode), [8])
    leaving.connection.disconnect()
    await nextTurn()
    t.equal(sendToAll(server, Buffer.from('hello')), 1, 'one member is left')
    await server.stop()
  })
}

t.test('a relay whose server does not read keeps working, and queues at most its limit', async t => {
  const { server } = await multiplayerServer([10, 11])
  for (const name of ['peer_packet'] as const) t.equal(server.getAvailablePacketCount(), 0, name)
  await server.stop()
  const quiet = await openMemoryServer({ gdMpApi: true }, [10, 11])
  const [a, b] = [new FrameClient(quiet), new FrameClient(quiet)]
  await b.frames()
  for (let i = 0; i < 5000; i++) a.binary(Buffer.from('000a0000000000000042', 'hex'))
  t.equal((await b.frames()).length, 5000)
  t.equal(quiet.monitor.drops.unread, 5000 - 1023)
  t.equal(quiet.getAvailablePacketCount(), 1023)
  // From the first reading on somebody reads: now the limit is that of two members, and then the sender waits instead.
  for (let i = 0; i < 1023; i++) a.binary(Buffer.from('000a0000000000000042', 'hex'))
  t.notOk(quiet.getPeer(10).isPaused)
  a.binary(Buffer.from('000a0000000000000042', 'hex'))
  t.ok(quiet.getPeer(10).isPaused)
  quiet.getPacket()
  await nextTurn()
  t.notOk(quiet.getPeer(10).isPaused)
  t.equal(quiet.getAvailablePacketCount(), 2 * 1023)
  await quiet.stop()
})

t.test('random packets are relayed or dropped, and nothing else', async t => {
  const random = new Random(seed)
  const { server } = await multiplayerServer([10, 11, 12])
  const clients = [new FrameClient(server), new FrameClient(server), new FrameClient(server)]
  const peer = sessionOf(server, 10)!
  for (let i = 0; i < scaled(100_000); i++) {
    const bytes = random.bytes(random.below(24))
    // Half of them with a head that nearly fits, so that they get further.
    if (bytes.length >= 9 && random.oneIn(2)) {
      bytes[0] = random.oneIn(4) ? 1 : 0
      bytes.writeInt32LE(random.oneIn(4) ? 11 : 10, 1)
      bytes.writeInt32LE(random.pick([0, 1, -1, 10, -10, 11, -11, 12, 99, -99, -2147483648]), 5)
    }
    receive(server, peer, bytes, 0, bytes.length, random.oneIn(2))
    if (i % 10_000 === 0) {
      await nextTurn()
      drain(server)
      for (const { connection } of clients) connection.take()
    }
  }
  const counted = Object.values(server.monitor.drops).reduce((sum, count) => sum + count, 0)
  t.ok(counted > scaled(40_000), `dropped ${counted}, seed ${seed}`)
  t.equal(server.peerCount, 3, `seed ${seed}`)
  await server.stop()
})
