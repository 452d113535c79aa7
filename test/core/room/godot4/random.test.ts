import t from 'tap'
import { Random, scaled, seed } from '../../../helper/random/random.ts'
import { FrameClient, nextTurn } from '../../../helper/memory/frame-client.ts'
import { receive, sessionOf } from '../../../helper/internals.ts'
import { openMemoryServer } from '../../../helper/memory/memory-server.ts'

const ME = 10
const ALL = [10, 11, 12]
const [SYS, RELAY, RAW, CONFIRM] = [7, 3, 3, 2]

/**
 * What must become of a message of ME: who gets what, and what the server keeps; an own account of the relay, kept
 * apart from the one that is tested.
 */
function outcomeOf (bytes: Buffer): { to: number[], relayed?: Buffer, kept?: Buffer } {
  if (bytes.length === 0) return { to: [] }
  if ((bytes[0] & 7) !== SYS) return { to: [], ...keptOf(bytes) }
  const content = bytes.subarray(6)
  const isRelay = bytes[1] === RELAY && content.length > 0 && (content[0] & 7) !== SYS && !isBareRaw(content)
  const target = isRelay ? bytes.readInt32LE(2) : 1
  if (target === 1) return { to: [] }
  const relayed = Buffer.concat([Buffer.of(SYS, RELAY, ME, 0, 0, 0), content])
  if (target > 1) return { to: ALL.filter(id => id === target), relayed }
  return { to: ALL.filter(id => id !== ME && id !== -target), relayed, ...(target === -1 ? {} : keptOf(content)) }
}

const isBareRaw = (packet: Buffer): boolean => (packet[0] & 7) === RAW && packet.length === 1

function keptOf (packet: Buffer): { kept?: Buffer } {
  return (packet[0] & 7) === RAW && packet.length > 1 ? { kept: packet.subarray(1) } : {}
}

/** Bytes at random; half of them with a head that nearly fits, so that they get further. */
function draw (random: Random): Buffer {
  const bytes = random.bytes(random.below(24))
  if (bytes.length < 6 || random.oneIn(2)) return bytes
  bytes[0] = random.pick([7, 7, 7, 0x0f, 0xf7, 3])
  bytes[1] = random.oneIn(8) ? random.below(6) : RELAY
  bytes.writeInt32LE(random.pick([0, 1, -1, 10, -10, 11, -11, 12, -12, 99, -99, 2147483647, -2147483648]), 2)
  if (bytes.length > 6 && random.oneIn(2)) bytes[6] = random.below(8)
  return bytes
}

t.test('random messages are delivered to exactly the right receivers, in the right form', async t => {
  const random = new Random(seed)
  const server = await openMemoryServer(
    { gdMpApi: true, wire: 'godot4', inputMaxPackets: 4096, outputMaxPackets: 8192 },
    [...ALL]
  )
  server.on('peer_packet', () => {})
  const clients = ALL.map(() => new FrameClient(server))
  for (const client of clients) await client.frames()
  const [peer, faults] = [sessionOf(server, ME)!, [] as string[]]
  let went = 0
  for (let round = 0; round < scaled(40); round++) {
    const expected = new Map<number, string[]>(ALL.map(id => [id, []]))
    const kept: string[] = []
    for (let i = 0; i < 1000; i++) {
      const message = draw(random)
      const { to, relayed, kept: one } = outcomeOf(message)
      for (const id of to) expected.get(id)!.push(relayed!.toString('hex'))
      if (one !== undefined) kept.push(one.toString('hex'))
      went += to.length
      receive(server, peer, message, 0, message.length, random.oneIn(2))
    }
    await nextTurn()
    for (const [at, id] of ALL.entries()) {
      // Paths are confirmed to the peer that announced them.
      const got = (await clients[at].frames()).map(({ payload }) => payload)
        .filter(payload => !(id === ME && payload[0] === CONFIRM)).map(payload => payload.toString('hex'))
      if (got.join() !== expected.get(id)!.join()) faults.push(`${id} in round ${round}`)
    }
    const read: string[] = []
    while (server.getAvailablePacketCount() > 0) {
      const isFromMe = server.getPacketPeer() === ME
      read.push(`${isFromMe ? '' : 'as from another '}${Buffer.from(server.getPacket()).toString('hex')}`)
    }
    if (read.join() !== kept.join()) faults.push(`server in round ${round}`)
  }
  t.same(faults, [], `seed ${seed}`)
  t.ok(went > scaled(10_000), `${went} went, seed ${seed}`)
  t.equal(server.peerCount, 3, `seed ${seed}`)
  t.equal(server.monitor.failures, 0, `seed ${seed}`)
  await server.stop()
})
