import t from 'tap'
import { Godot4Client } from './godot4-client.ts'
import type { Script4 } from './godot4-client.ts'
import { readVectors } from '../random/variant-vectors.ts'

/** Messages of a scripted server to a real client, and how the client reacted. */
interface Case {
  case: string
  sent: null | string | string[]
  client_events: unknown[][]
  client_id: number
  client_peers: number[]
  client_status: string
  client_sent: string[]
  client_refused?: string[]
}
const { foreign_server: cases } = readVectors<{ foreign_server: Case[] }>('godot4-rpc')

const one = { args: 1, mode: 'any_peer' } as const
const script: Script4 = {
  r0: { args: 0, mode: 'any_peer' },
  r1: one,
  r2: { args: 2, mode: 'any_peer' },
  r3: {
    args: 3,
    mode: 'any_peer'
  },
  au: { args: 1 },
  al: { args: 1, callLocal: true },
  rl: { ...one, callLocal: true },
  un: one,
  uo: one
}

function build () {
  const sent: string[] = []
  const client = new Godot4Client({
    send: message => { sent.push(`2:${message.toString('hex')}`) },
    close: code => { sent.push(`8:${code.toString(16).padStart(4, '0')}`) }
  })
  client.addNode('Main', script)
  client.addNode('Main/Pawn', script)
  return { client, sent }
}

/** Cases that need a socket; see godot4-socket.test.ts. */
const ofTheConnection =
  /^(id as text|id in two|nothing for|ping|server |masked|text with|65536|afterwards|client: six|RAW after the empty)/

/** Refusals that only the simulated client reports; a real one accepts these messages. */
const ownWords = /^(ADD_PEER|DEL_PEER|RELAY) of /

t.test('the simulated client behaves like the recorded real one', async t => {
  t.same([cases.length, cases.filter(({ case: name }) => ofTheConnection.test(name)).length], [87, 14])
  const [first, rest] = [cases.slice(0, cases.findIndex(({ case: name }) =>
    name === 'connected, id 777')), cases.slice(cases.findIndex(({ case: name }) => name === 'connected, id 777'))]
  for (const one of first.filter(({ case: name }) => !ofTheConnection.test(name))) {
    const { client, sent } = build()
    check(t, one, client, sent)
  }
  const { client, sent } = build()
  for (const one of rest.filter(({ case: name }) => !ofTheConnection.test(name))) check(t, one, client, sent)
})

function check (
  t: import('tap').Test, { case: name, sent: given, ...expected }: Case, client: Godot4Client, sent: string[]
): void {
  for (const hex of [given ?? []].flat()) {
    client.receive(hex.startsWith('(') ? Buffer.alloc(Number(hex.slice(1).split(' ')[0]), 3) : Buffer.from(hex, 'hex'))
  }
  const [, method, value] = /^client rpc(?:_id\(1\))? (r1)\((\d)\)/.exec(name) ?? []
  if (method !== undefined) client.rpc('Main', method, [Number(value)], name.includes('rpc_id') ? 1 : 0)
  if (name.startsWith('client send_bytes')) client.sendBytes(Uint8Array.of(1), 1)
  // On ADD_PEER 1 a real client announces itself again.
  const isOdd = name.startsWith('ADD_PEER 1')
  const events = client.events.splice(0).filter(([what]) => what !== 'api.server_disconnected').map(shown)
  if (!isOdd) t.same(events, expected.client_events.map(shown), `${name}: events`)
  t.same(sent.splice(0), expected.client_sent, `${name}: sent`)
  if (expected.client_status === 'connected' && !isOdd) {
    t.same([...client.peers], expected.client_peers, `${name}: peers`)
  }
  const refused = client.refusals.splice(0).filter(why => !ownWords.test(why))
  t.same(refused.slice(0, 1), (expected.client_refused ?? []).slice(0, 1), `${name}: refusals`)
}

/** An event with the number of arguments instead of the arguments. */
function shown ([what, sender, node, values]: unknown[]): unknown {
  if (what === 'api.peer_packet') return [what, sender]
  if (typeof what === 'string' && what.startsWith('api.')) return [what, sender]
  return [what, sender, node, what === 'r1' || what === 'au' ? 1 : (values as unknown[]).length]
}
