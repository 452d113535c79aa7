import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'
import { root } from '../../scripts/root.ts'
import { encodeRelayPacket } from '../../src/protocol/multiplayer/relay-packet.ts'
import { relayWire3 } from '../../src/protocol/multiplayer/relay-wire3.ts'
import { relayWire4 } from '../../src/protocol/multiplayer/relay-wire4.ts'
import { Random, scaled, seed } from '../helper/random/random.ts'

/** A message as the test client of the dashboard understands it. */
interface Message {
  type: string
  id?: number
  source?: number
  target?: number
  payload?: Uint8Array
  isCall?: boolean
}

interface Codec {
  decode (bytes: Uint8Array, ownId?: number): Message | undefined
  encode (ownId: number, target: number, payload: Uint8Array): Uint8Array[]
}

const { codecs } = await import(pathToFileURL(join(root, 'web/test-client/relay-codec.js')).href) as {
  codecs: { godot3: Codec, godot4: Codec }
}
const [own, other] = [1836495123, 7]
const hello = Buffer.from('hello')
/** What clients of Godot 3 deliver as network_peer_packet begins with this byte. */
const raw = (payload: Uint8Array): Buffer => Buffer.concat([Buffer.of(4), payload])

t.test('decodes what the server sends to Godot 3 clients', async t => {
  const { decode } = codecs.godot3
  t.same(relayWire3.welcome(own).map(bytes => decode(bytes)), [{ type: 'id', id: own }, { type: 'add', id: 1 }])
  t.same(decode(relayWire3.added(other)), { type: 'add', id: other })
  t.same(decode(relayWire3.removed(other)), { type: 'del', id: other })
  t.match(decode(encodeRelayPacket(0, other, -own, raw(hello))), {
    type: 'packet', source: other, target: -own, payload: hello, isCall: false
  })
  t.match(decode(encodeRelayPacket(0, other, 0, Buffer.of(32, 1))), { payload: Buffer.of(32, 1), isCall: true })
})

t.test('decodes what the server sends to Godot 4 clients', async t => {
  const { decode } = codecs.godot4
  t.same(relayWire4.welcome(own).map(bytes => decode(bytes)), [{ type: 'id', id: own }])
  t.same(decode(relayWire4.added(other), own), { type: 'add', id: other })
  t.same(decode(relayWire4.removed(other), own), { type: 'del', id: other })
  t.match(decode(relayWire4.data(own, hello), own), { type: 'packet', source: 1, payload: hello, isCall: false })
  const [relayed] = codecs.godot4.encode(other, own, hello)
  relayWire4.stamp(relayed, 0, other)
  t.match(decode(relayed, own), { type: 'packet', source: other, payload: hello, isCall: false })
})

t.test('encodes packets that the server accepts, for every target', async t => {
  for (const target of [0, 1, -1, other, -other]) {
    const [bytes, ...none] = codecs.godot3.encode(own, target, hello)
    t.same([bytes, none], [new Uint8Array(encodeRelayPacket(0, own, target, raw(hello))), []])
    t.equal(relayWire3.fault(bytes, 0, bytes.length, own), undefined)

    const messages = codecs.godot4.encode(own, target, hello)
    for (const bytes of messages) t.equal(relayWire4.fault(bytes, 0, bytes.length, own), undefined)
    const reached = messages.map(bytes => relayWire4.target(bytes, 0))
    t.same(reached, { 0: [1, 0], 1: [1], '-1': [-1], [other]: [other], [-other]: [1, -other] }[target])
  }
})

t.test('decodes any bytes, or says that it cannot', async t => {
  t.comment(`SEED=${seed}`)
  const random = new Random(seed)
  const types = new Set([undefined, 'id', 'add', 'del', 'packet'])
  for (let i = 0; i < scaled(2000); i++) {
    const bytes = Uint8Array.from({ length: random.below(16) }, () => random.below(random.oneIn(10) ? 256 : 9))
    for (const codec of Object.values(codecs)) {
      for (const id of [undefined, own]) {
        t.ok(types.has(codec.decode(bytes, id)?.type), Buffer.from(bytes).toString('hex'))
      }
    }
  }
})
