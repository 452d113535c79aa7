import t from 'tap'
import { FrameClient, nextTurn } from '../../../helper/memory/frame-client.ts'
import { addScriptedNode } from '../../../helper/godot/godot4-script.ts'
import { readVectors } from '../../../helper/random/variant-vectors.ts'
import { openGodot4Server } from '../../../helper/memory/memory-server.ts'

/** One frame of a raw client, ME, to a server of Godot 4; a real client looks on. */
interface Case {
  case: string
  sent: string
  opcode: number
  server_events: unknown[][]
  witness_events: unknown[][]
  received: string[]
  server_refused?: string[]
}
const { single_frame_cases: cases } = readVectors<{ single_frame_cases: Case[] }>('godot4-session')

const WITNESS = 854233744

/**
 * Where our server does something else: it is careful where Godot continues with what it could not read, and it always
 * confirms.
 */
const differences: Record<string, Partial<Pick<Case, 'server_events' | 'received'>>> = {
  'SIMPLIFY 9 = Missing': { received: ['2:020109000000'] },
  'call id 8 r1(5)': { server_events: [] },
  'call full path r1(int cut by path)': { server_events: [] },
  'call r1 with variant type 39': { server_events: [] },
  'call r1 with int 3 bytes of 4': { server_events: [] },
  'call r1 with full object': { server_events: [] },
  'call r1, String with bit 7 set in type byte': { server_events: [] }
}

/** A refusal that Godot words, and what we count. */
const drops: Record<string, string> = {
  'wrong packet length': 'short-packet rpc-malformed',
  'relay without content': 'short-packet',
  'command not allowed here': 'not-data',
  'ADD_PEER and DEL_PEER are for clients with relay on only': 'not-data',
  'unknown SYS command': 'not-data',
  'out of place in this phase': 'not-data',
  'path id announced twice': 'rpc-announced-twice',
  'method lists differ': 'rpc-method-list',
  'path offset past the end': 'rpc-malformed',
  'path id not announced by this sender': 'rpc-unknown-path',
  'unknown form of the node id': 'rpc-malformed',
  'unknown method id': 'rpc-unknown-member',
  'wrong number of arguments': 'rpc-arguments',
  'an argument does not decode (the call goes on with null in its place)': 'rpc-malformed',
  'the mode of the method forbids the caller': 'rpc-mode',
  'no node for the call': 'rpc-unknown-node rpc-unknown-path',
  'full objects are not allowed': 'rpc-malformed'
}

/** Not a fault here: a path without a node is confirmed, and spawners have no scene to look for. */
const faultless = ['announced path has no node', 'not a known spawn, synchronizer or allowed object']

t.test('each recorded frame is relayed, answered or refused as by Godot 4', async t => {
  t.equal(cases.length, 80)
  const words = new Set(cases.flatMap(({ server_refused: refused = [] }) => refused))
  t.same([...words].filter(word =>
    !(word in drops) && !faultless.includes(word)), [], 'no refusal that is not looked for')
  const told: unknown[][] = []
  const ids = [WITNESS, ...new Set(cases.flatMap(({ server_events: events }) => events.map(([, id]) => id as number)))]
  const server = await openGodot4Server({ closeTimeout: 0.2 }, () => ids.shift() ?? 2)
  server.multiplayer.on('network_peer_packet', (id, bytes) => told.push(['api.peer_packet', id, shown(bytes)]))
  server.on('peer_disconnected', id => { told.push(['api.peer_disconnected', id]) })
  for (const path of ['/root/Main', '/root/Main/Pawn']) {
    addScriptedNode(server, path, (name, sender, node, values) => { told.push([name, sender, node, values.length]) })
  }
  const witness = new FrameClient(server)
  let me = new FrameClient(server)
  await witness.frames()
  await me.frames()
  const before = { ...server.monitor.drops }
  let refusals = 0
  for (const {
    case: name, sent, opcode, server_events: events, witness_events: seen, received, server_refused: refused = []
  } of cases) {
    const { server_events: expected = events, received: answers = received } = differences[name] ?? {}
    send(me, name, opcode, sent)
    await nextTurn()
    t.same(told.splice(0), expected.map(countedOf), `${name}: the server`)
    const heard = await me.receivedFrames()
    t.same(heard, answers.filter(line => line !== 'tcp end'), `${name}: what comes back`)
    t.same((await witness.frames()).map(({ payload }) => eventOf(payload)), seen, `${name}: the other client`)
    const counted = Object.entries(server.monitor.drops).filter(([reason, count]) => count > before[reason as 'unread'])
      .map(([reason]) => reason)
    const known = refused.map(words => drops[words]).find(reason => reason !== undefined)
    // The server ignores packets of spawners.
    if (known !== undefined && !name.startsWith('SPAWN')) {
      refusals++
      t.ok(counted.length === 1 && known.includes(counted[0]), `${name}: ${known}, counted ${counted.join()}`)
    }
    Object.assign(before, server.monitor.drops)
    if (received.includes('tcp end')) {
      me = new FrameClient(server)
      await me.frames()
      await witness.frames()
    }
  }
  t.ok(refusals > 10, `${refusals} refusals`)
  await server.stop()
})

/** What the texts of the file stand for. */
function send (client: FrameClient, name: string, opcode: number, sent: string): void {
  const [, size] = /^\((\d+) bytes\)$/.exec(sent) ?? []
  const payload = size === undefined ? Buffer.from(sent, 'hex') : Buffer.alloc(Number(size), 3)
  if (name === 'RAW in two fragments') {
    client.send(opcode, payload.subarray(0, 1), { fin: false })
    client.send(0, payload.subarray(1))
  } else client.send(opcode, payload, name === 'unmasked frame' ? { mask: false } : {})
}

function shown (bytes: Uint8Array): string {
  return bytes.length > 1000 ? `(${bytes.length} bytes)` : Buffer.from(bytes).toString('hex')
}

/** An event of the file with the number of arguments in place of their texts; of r1 the type as well. */
function countedOf (event: unknown[]): unknown[] {
  const [name, sender, node, values] = event
  return values instanceof Array ? [name, sender, node, name === 'r1' ? 1 : values.length] : event
}

/** What a message makes a client signal. */
function eventOf (message: Buffer): unknown[] {
  const id = message.readInt32LE(2)
  return message[1] === 2 ? ['api.peer_disconnected', id] : ['api.peer_packet', id, message.subarray(7).toString('hex')]
}
