import t from 'tap'
import type { Test } from 'tap'
import type { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import { wires } from '../../../src/core/rpc/wire/wires.ts'
import type { ServerOptions } from '../../../src/options/option-types.ts'
import { Plane, Vector3 } from '../../../src/protocol/variant/variant-types.ts'
import { Random, scaled, seed } from '../../helper/random/random.ts'
import { FrameClient, nextTurn } from '../../helper/memory/frame-client.ts'
import { mutated } from '../../helper/random/mutation.ts'
import { clientCodecs } from '../../helper/godot/client-codecs.ts'
import type { ClientCodec } from '../../helper/godot/client-codecs.ts'
import { putDataTo, receive, sessionOf } from '../../helper/internals.ts'
import { openMemoryServer, recordSignals } from '../../helper/memory/memory-server.ts'

/** The contract of every wire. */
for (const wire of Object.keys(wires) as Array<ServerOptions['wire']>) {
  t.test(wire, async t => { await wireContract(t, wire, clientCodecs[wire]) })
}

/** A client that reads and writes with a speaker. */
class Member {
  readonly id: number
  readonly frames: FrameClient
  readonly #speaker: ClientCodec
  #isNew = true

  constructor (server: WebSocketServer, id: number, speaker: ClientCodec) {
    this.id = id
    this.#speaker = speaker
    this.frames = new FrameClient(server)
  }

  say (to: number, ...bytes: number[]): void {
    this.frames.binary(this.#speaker.encodeData(this.id, to, Uint8Array.from(bytes)))
  }

  /** Messages since the last call, in words. */
  async heard (): Promise<string[]> {
    return (await this.frames.frames()).filter(({ opcode }) => opcode < 8).map(({ payload }) => {
      const isFirst = this.#isNew
      this.#isNew = false
      return this.#speaker.describe(payload, isFirst)
    }).filter(line => line !== 'add 1')
  }
}

async function wireContract (t: Test, wire: ServerOptions['wire'], speaker: ClientCodec): Promise<void> {
  /** A room of members with the ids 10, 11, 12 ..., the signals of the server, and the packets it received. */
  async function room (count: number, options: Partial<ServerOptions> = {}) {
    const ids = Array.from({ length: 20 }, (_, at) => 10 + at)
    const server = await openMemoryServer({ gdMpApi: true, wire, ...options }, () => ids.shift()!)
    const signals = recordSignals(server, ['peer_connected', 'peer_disconnected', 'peer_packet'])
    const enter = (): Member => new Member(server, ids[0], speaker)
    const members = Array.from({ length: count }, enter)
    for (const member of members) await member.heard()
    signals.length = 0
    return { server, members, signals, enter }
  }
  const kept = (server: WebSocketServer) => {
    const packets = []
    while (server.getAvailablePacketCount() > 0) {
      packets.push(`${server.getPacketPeer()} ${Buffer.from(server.getPacket()).toString('hex')}`)
    }
    return packets
  }

  t.test('sends a new peer its id, then the other peers, and announces it to them', async t => {
    const { server, members: [a], signals, enter } = await room(1)
    const b = enter()
    t.same(await b.heard(), ['id 11', 'add 10'])
    t.same(await a.heard(), ['add 11'])
    t.same(signals, [['peer_connected', 11]])
    await server.stop()
  })

  t.test('announces to the others that a peer left, however it left', async t => {
    const { server, members: [a, b, c, d], signals } = await room(4)
    b.frames.connection.disconnect()
    c.frames.close(4001, 'bye')
    server.disconnectPeer(d.id)
    t.same(await a.heard(), ['del 12', 'del 11'])
    t.same(signals, [['peer_disconnected', 12], ['peer_disconnected', 11]])
    d.frames.close(1000)
    t.same(await a.heard(), ['del 13'])
    await server.stop()
  })

  t.test('announces a closing peer and its leave to a new peer', async t => {
    const { server, members: [a, b], enter } = await room(2)
    server.disconnectPeer(b.id)
    const c = enter()
    t.same(await c.heard(), ['id 12', 'add 10', 'add 11'])
    b.frames.close(1000)
    for (const member of [a, c]) t.same((await member.heard()).filter(line => line.startsWith('del')), ['del 11'])
    await server.stop()
  })

  t.test('every kind of target reaches exactly its receivers', async t => {
    const { server, members, signals } = await room(3)
    const rows: Array<[target: number, receivers: number[], isKept: boolean]> = [
      [0, [11, 12], true], [1, [], true], [11, [11], false], [-11, [12], true], [-1, [11, 12], false],
      [-10, [11, 12], true], [-99, [11, 12], true], [-2147483648, [11, 12], true], [2147483647, [], false]
    ]
    for (const [target, receivers, isKept] of rows) {
      members[0].say(target, 1, 2, 3)
      for (const member of members) {
        t.same(await member.heard(), receivers.includes(member.id)
          ? ['from 10 010203']
          : [], `to ${target}: ${member.id}`)
      }
      t.same(kept(server), isKept ? ['10 010203'] : [], `to ${target}: server`)
      t.same(signals.splice(0), isKept ? [['peer_packet', 10]] : [])
    }
    t.equal(server.monitor.packetsRelayed, 2 + 1 + 1 + 2 + 2 + 2 + 2)
    await server.stop()
  })

  t.test('the server sends to all, one, or all but one, but not to itself', async t => {
    const { server, members: [a, b] } = await room(2)
    const rows: Array<[target: number, toA: boolean, toB: boolean]> =
      [[0, true, true], [10, true, false], [-10, false, true], [-1, true, true], [1, false, false], [-99, true, true]]
    for (const [target, toA, toB] of rows) {
      server.setTargetPeer(target)
      server.putPacket(Uint8Array.of(7))
      t.same(await a.heard(), toA ? ['from 1 07'] : [], `to ${target}`)
      t.same(await b.heard(), toB ? ['from 1 07'] : [], `to ${target}`)
    }
    t.throws(() => putDataTo(server, 99, Uint8Array.of(7)), { code: 'FAILED' })
    t.equal(server.broadcast(0, Uint8Array.of(8)), 2)
    t.equal(server.broadcast(11, Uint8Array.of(9)), 1)
    t.same(await b.heard(), ['from 1 08', 'from 1 09'])
    await server.stop()
  })

  t.test('encodes Variants for the Godot version of the clients', async t => {
    const { server, members: [a] } = await room(1)
    const { variants } = wires[wire]
    server.putVar(new Plane(new Vector3(1, 2, 3), 4))
    const bytes = variants.encode(new Plane(new Vector3(1, 2, 3), 4))
    t.same(await a.heard(), [`from 1 ${Buffer.from(bytes).toString('hex')}`])
    a.say(1, ...bytes)
    t.strictSame(server.getVar(), new Plane(new Vector3(1, 2, 3), 4))
    server.getPeer(10).putVar(new Plane(new Vector3(1, 2, 3), 4))
    const [frame] = await a.frames.frames()
    t.equal(frame.payload.toString('hex'), Buffer.from(bytes).toString('hex'), 'a peer encodes like its server')
    await server.stop()
  })

  t.test('sends the largest packet, and throws for a larger one', async t => {
    const { server, members: [a, b] } = await room(2)
    const largest = server.maxDataSize
    putDataTo(server, 0, new Uint8Array(largest))
    t.equal((await b.heard())[0].length, 'from 1 '.length + 2 * largest)
    t.throws(() => putDataTo(server, 0, new Uint8Array(largest + 1)), { code: 'ERR_OUT_OF_MEMORY' })
    const most = 65535 - (speaker.encodeData(10, 0, new Uint8Array(1)).length - 1)
    a.frames.binary(speaker.encodeData(10, 0, new Uint8Array(most)))
    t.equal((await b.heard())[0].length, 'from 10 '.length + 2 * most)
    t.equal(kept(server).length, 1)
    t.ok(server.hasPeer(10))
    await server.stop()
  })

  t.test('the server receives what is too large to be relayed', async t => {
    const { server, members: [a, b] } = await room(2, { inputBufferKb: 128 })
    const large = Array.from({ length: 100_000 }, () => 1)
    a.say(1, ...large)
    t.equal(kept(server)[0].length, '10 '.length + 200_000)
    for (const target of [0, 11]) a.say(target, ...large)
    t.equal(server.monitor.drops['too-big'], 2)
    t.same([await b.heard(), kept(server)], [[], []])
    await server.stop()
  })

  t.test('drops and counts forged messages', async t => {
    const { server, members, signals } = await room(2)
    for (const [reason, messages] of Object.entries(speaker.forgedMessages(10, 11))) {
      for (const message of messages) members[0].frames.binary(message)
      t.equal(server.monitor.drops[reason as 'not-data'], messages.length, reason)
    }
    for (const member of members) t.same(await member.heard(), [])
    t.same(signals, [])
    t.same(kept(server), [])
    t.equal(server.peerCount, 2)
    await server.stop()
  })

  t.test('with the relay off, peers only see the server', async t => {
    const { server, members: [a, b], enter, signals } = await room(2, { serverRelay: false })
    const c = enter()
    t.same(await c.heard(), ['id 12'])
    for (const target of [0, 11, -11, -1]) a.say(target, 1)
    const isShared = wire === 'godot3'
    t.equal(server.monitor.drops['relay-off'], isShared ? 2 : 4)
    t.same(kept(server), isShared ? ['10 01', '10 01'] : [], 'to all, or to all but one')
    a.say(1, 2)
    t.same(kept(server), ['10 02'])
    b.frames.connection.disconnect()
    await nextTurn()
    for (const member of [a, b, c]) t.same(await member.heard(), [])
    const packets = Array.from({ length: isShared ? 3 : 1 }, () => 'peer_packet')
    t.same(signals.map(([name]) => name), ['peer_connected', ...packets, 'peer_disconnected'])
    putDataTo(server, 0, Uint8Array.of(5))
    t.same(await a.heard(), ['from 1 05'])
    await server.stop()
  })

  t.test('a member in text mode gets the same packets as text', async t => {
    const { server, members: [a, b, c] } = await room(3)
    server.getPeer(11).setWriteMode(0)
    a.say(0, 65)
    a.say(11, 66)
    putDataTo(server, 0, Uint8Array.of(67))
    t.same((await b.frames.frames()).map(({ opcode }) => opcode), [1, 1, 1])
    t.same(await c.heard(), ['from 10 41', 'from 1 43'])
    await server.stop()
  })

  t.test('without autoPoll no client joins and nothing is read before poll()', async t => {
    const { server, signals, enter } = await room(0, { autoPoll: false })
    const a = enter()
    t.same(await a.heard(), [])
    server.poll()
    t.same(await a.heard(), ['id 10'])
    a.say(1, 1)
    t.same(signals, [['peer_connected', 10]])
    server.poll()
    t.same(kept(server), ['10 01'])
    await server.stop()
  })

  t.test('drops and counts random messages, or relays them whole with their true sender', async t => {
    const random = new Random(seed)
    const { server, members } = await room(3)
    const seeds = [0, 1, -1, 10, 11, -11, 12, -10, 99].map(target => speaker.encodeData(
      10, target, random.bytes(1 + random.below(12))
    )).concat(...Object.values(speaker.forgedMessages(10, 11)).map(list => list.map(one => Buffer.from(one))))
    const faults: string[] = []
    for (let i = 0; i < scaled(10_000); i++) {
      const message = random.oneIn(3) ? random.bytes(random.below(24)) : mutated(random, seeds)
      receive(server, sessionOf(server, 10)!, Buffer.from(message), 0, message.length, false)
      if (i % 1000 !== 0) continue
      for (const { id, frames } of members) for (const { payload } of await frames.frames()) checkRelayed(payload, id)
      server.getPacketError()
      while (server.getAvailablePacketCount() > 0) server.getPacket()
    }
    /** Godot 3: type and source of the sender; Godot 4: relayed from 10, or a reply of the server about paths. */
    function checkRelayed (payload: Buffer, id: number): void {
      const isFine = wire === 'godot3'
        ? payload[0] === 0 && payload.readInt32LE(1) === 10 && id !== 10
        : payload[0] === 2
          ? id === 10
          : payload[0] === 7 && payload[1] === 3 &&
          payload.readInt32LE(2) === 10 && (payload[6] & 7) !== 7
      if (!isFine) faults.push(payload.toString('hex'))
    }
    t.same(faults, [], `seed ${seed}`)
    t.equal(server.peerCount, 3)
    await server.stop()
  })
}
