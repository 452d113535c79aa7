import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo } from 'node:net'
import type { Test } from 'tap'
import t from 'tap'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { internalsOf } from '../../src/core/server/internals.ts'
import { HandleConnection } from '../../src/transport/handle-connection.ts'
import { mayUseInternals } from '../../src/transport/internals.ts'
import { encodeRelayPacket, RELAY_HEAD, relayType, target } from '../../src/protocol/multiplayer/relay-packet.ts'
import { leafKeys, pem } from '../helper/sockets/keys.ts'
import { modes, openServer } from '../helper/sockets/modes.ts'
import { connectRawTls, frame, upgradeRequest } from '../helper/sockets/raw-socket.ts'
import type { RawSocket } from '../helper/sockets/raw-socket.ts'

const ca = pem('root.pem')
const MEMBERS = 8
const RECORD_HEAD = 5
const APPLICATION_DATA = 23

/** Counts the TLS records of application data in a stream: Node sends one for each write of up to 16 KiB. */
class RecordCounter {
  count = 0
  #rest = Buffer.alloc(0)

  add (chunk: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, chunk])
    while (this.#rest.length >= RECORD_HEAD) {
      const size = RECORD_HEAD + this.#rest.readUInt16BE(3)
      if (this.#rest.length < size) return
      if (this.#rest[0] === APPLICATION_DATA) this.count++
      this.#rest = this.#rest.subarray(size)
    }
  }
}

/** A member of the room, and the records that the server has sent to it. */
interface Member { readonly id: number, readonly client: RawSocket, readonly records: RecordCounter }

/** Connects members through a proxy that sees what is sent to each. */
async function joinAll (t: Test, server: WebSocketServer): Promise<Member[]> {
  const counters: RecordCounter[] = []
  const proxy = createServer(client => {
    const records = new RecordCounter()
    counters.push(records)
    const upstream = connect(server.port, '127.0.0.1')
    upstream.on('data', chunk => { records.add(chunk) })
    for (const socket of [client, upstream]) socket.on('error', () => {})
    client.pipe(upstream).pipe(client)
  })
  proxy.listen(0, '127.0.0.1')
  await once(proxy, 'listening')
  t.teardown(() => { proxy.close() })
  const members: Member[] = []
  for (let index = 0; index < MEMBERS; index++) {
    const client = await connectRawTls(t, (proxy.address() as AddressInfo).port, { ca })
    client.send(upgradeRequest('/ws'))
    await client.head()
    const id = (await client.frame()).payload.readInt32LE(RELAY_HEAD)
    // Who is there: the server and the members before; then those before hear of this one.
    for (let i = 0; i <= index; i++) await client.frame()
    for (const member of members) await member.client.frame()
    members.push({ id, client, records: counters[index] })
  }
  return members
}

/** Packets to all, in one write. */
function send ({ id, client }: Member, count: number): void {
  const packet = encodeRelayPacket(relayType.DATA, id, target.ALL, Buffer.from('abcd'))
  client.send(Buffer.concat(Array.from({ length: count }, () => frame(2, packet))))
}

/** The records that each member gets until it has read `frames` frames. */
async function recordsOf (members: readonly Member[], frames: number, act: () => void): Promise<number[]> {
  const before = members.map(({ records }) => records.count)
  act()
  for (const { client } of members) for (let i = 0; i < frames; i++) await client.frame()
  return members.map(({ records }, at) => records.count - before[at])
}

for (const mode of modes) {
  t.test(`a room over TLS writes once per peer and turn (${mode})`, async t => {
    const https = { key: leafKeys.privateKey, cert: leafKeys.sslCertificate + leafKeys.caChain }
    const [options, host] = mode === 'own' ? [leafKeys, {}] : [{}, { https } as object]
    const server = await openServer(t, mode, { gdMpApi: true, pingInterval: 0, ...options }, host)
    const members = await joinAll(t, server)
    const [first, ...others] = members
    for (const { outbox: { connection } } of internalsOf(server).registry.peers) {
      t.equal(connection instanceof HandleConnection, mayUseInternals)
    }
    t.same(await recordsOf(others, 50, () => { send(first, 50) }), others.map(() => 1), 'relayed packets of one client')
    t.same(await recordsOf(members, 20, () => {
      for (let i = 0; i < 20; i++) server.putPacket(Buffer.from([i]))
    }), members.map(() => 1), 'packets of the server')
    const frames = 10 * (MEMBERS - 1)
    const records = await recordsOf(members, frames, () => { for (const member of members) send(member, 10) })
    t.ok(records.every(count => count < MEMBERS), 'packets of all: at most a write for each chunk of another')
  })
}
