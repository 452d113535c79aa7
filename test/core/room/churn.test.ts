import t from 'tap'
import { RELAY_HEAD, relayType } from '../../../src/protocol/multiplayer/relay-packet.ts'
import { stopTime } from '../../helper/clock.ts'
import { FrameClient, nextTurn } from '../../helper/memory/frame-client.ts'
import { openMemoryServer } from '../../helper/memory/memory-server.ts'

/** From 64 members on announcements may wait. */
const [MEMBERS, GUESTS] = [64, 150]

/** A client that counts what is written to it. */
class Member {
  readonly client: FrameClient
  writes = 0

  constructor (client: FrameClient) {
    this.client = client
    const { connection } = client
    const write = connection.write.bind(connection)
    connection.write = bytes => {
      this.writes++
      write(bytes)
    }
  }

  /** The ids of all peers that were announced as joining or leaving since the last call. */
  async announced (type: number): Promise<number[]> {
    const packets = (await this.client.frames()).map(({ payload }) => payload)
    return packets.filter(packet => packet[0] === type).map(packet => packet.readInt32LE(RELAY_HEAD))
  }
}

t.test('many joins and leaves cost each member a few writes, not one for each of them', async t => {
  let lastId = 1
  const clock = stopTime(t)
  const server = await openMemoryServer({ gdMpApi: true, maxPeersPerAddress: 0, maxJoinsPerMinute: 0 }, () => ++lastId)
  const members = Array.from({ length: MEMBERS }, () => new Member(new FrameClient(server)))
  await nextTurn()
  clock.advance(1000)
  for (const { client } of members) await client.frames()
  for (const member of members) member.writes = 0
  const guests: FrameClient[] = []
  for (let i = 0; i < GUESTS; i++) {
    guests.push(new FrameClient(server))
    await nextTurn()
  }
  clock.advance(1000)
  const ids = Array.from({ length: GUESTS }, (_, at) => MEMBERS + 2 + at)
  for (const member of members) t.same(await member.announced(relayType.ADD), ids)
  t.ok(members.every(({ writes }) => writes <= 3), `joins: ${Math.max(...members.map(({ writes }) => writes))} writes`)
  for (const member of members) member.writes = 0
  for (const { connection } of guests) {
    connection.disconnect()
    await nextTurn()
  }
  clock.advance(1000)
  for (const member of members) t.same(await member.announced(relayType.DEL), ids)
  t.ok(members.every(({ writes }) => writes <= 3), `leaves: ${Math.max(...members.map(({ writes }) => writes))} writes`)
  for (const { client } of members) client.connection.disconnect()
  await server.stop()
})
