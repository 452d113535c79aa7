import t from 'tap'
import type { RemoteNode } from '../../../src/core/rpc/remote-node.ts'
import type { RpcMode } from '../../../src/core/rpc/rpc-mode.ts'
import { variant } from '../../../src/core/rpc/rpc-surface.ts'
import type { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import { header, MemoryClient } from '../../helper/memory/memory-client.ts'
import { bytesOf, hexOf, readVectors } from '../../helper/random/variant-vectors.ts'
import { openMemoryServer } from '../../helper/memory/memory-server.ts'

/** A session between three real Godot 3.2.3 processes, S being the server: frames of each step by connection. */
interface Frame { conn: string, dir: string, hex?: string }
interface Step { step: string, frames?: Frame[], result?: { events: Record<string, unknown[][]> } }
/** One packet sent to a real client, and the result. */
interface Answer {
  step: string
  server_sent: string | null
  client_events: unknown[][]
  client_sent: Array<{ hex?: string }>
}
const {
  ids, steps, foreign_server: answers
} = readVectors<{ ids: Record<string, number>, steps: Step[], foreign_server: Answer[] }>('rpc')

const one = [variant] as const
/** The script of the nodes Main and Main/Pawn of the recorded processes. */
const script = {
  r0: [],
  r1: one,
  r2: [variant, variant],
  r3: [variant, variant, variant],
  m1: one,
  p1: one,
  rs1: one,
  ms1: one,
  ps1: one,
  x: variant,
  xs: variant,
  xm: variant,
  xp: variant
} as const

/** A server in place of S; `told` has what Godot reported: what ran, who called it, and where. */
async function serve (told: unknown[][]) {
  const server = await openMemoryServer({ gdMpApi: true })
  server.multiplayer.on('network_peer_packet', (id, bytes) => told.push(['api.network_peer_packet', id, hexOf(bytes)]))
  const nodes = ['/root/Main', '/root/Main/Pawn'].map(path => addScript(server, path, told))
  return { server, main: nodes[0] }
}

function addScript (server: WebSocketServer, path: string, told: unknown[][]) {
  const name = path.split('/').pop()
  const node: RemoteNode = server.multiplayer.node(path, script)
  const modes: Record<string, RpcMode> = {
    r: 'remote',
    m: 'master',
    p: 'puppet',
    rs: 'remotesync',
    ms: 'mastersync',
    ps: 'puppetsync'
  }
  for (const method of Object.keys(script).filter(name => /\d/.test(name))) {
    node.method(modes[method.slice(0, -1)], method, sender => told.push([method, sender, name]))
  }
  node.property('remote', 'x', sender => told.push(['set x', sender]))
  node.property('remotesync', 'xs', () => {}).property('master', 'xm', () => {}).property('puppet', 'xp', () => {})
  return node
}

/** The steps in which S acts by itself. */
const actions: Record<string, (server: WebSocketServer, main: RemoteNode, a: number) => void> = {
  'S: v.n.rpc("r0")': (_, main) => main.rpc('r0'),
  'S: v.n.rpc("r0") again': (_, main) => main.rpcUnreliable('r0'),
  'S: v.n.rpc("r2", "srv", 2)': (_, main) => main.rpc('r2', 'srv', 2),
  'S: v.n.rpc_id(A, "p1", 3)': (_, main, a) => main.rpcId(a, 'p1', 3),
  'S: v.n.rpc("p1", 4)': (_, main) => main.rpc('p1', 4),
  'S: v.n.rpc("m1", 4)': (_, main) => main.rpc('m1', 4),
  'S: v.n.rpc("ps1", 4)': (_, main) => main.rpc('ps1', 4),
  'S: v.n.rset("x", 77)': (_, main) => main.rset('x', 77),
  'S: v.n.rset("xp", 78)': (_, main) => main.rsetUnreliable('xp', 78),
  'S: h.multiplayer.send_bytes(PoolByteArray([7, 8]))': server => server.multiplayer.sendBytes(Uint8Array.of(7, 8)),
  'S: send_bytes([9], A)': (server, _, a) => server.multiplayer.sendBytes(Uint8Array.of(9), a)
}

t.test('reproduces a recorded session of real Godot processes with this server in place of theirs', async t => {
  const told: unknown[][] = []
  const { server, main } = await serve(told)
  const clients = new Map<string, MemoryClient>()
  const sent = (hex: string) => mapped(hex, clients)
  for (const { step, frames = [], result } of steps) {
    const [, joining] = /^client (.) connects/.exec(step) ?? []
    if (joining !== undefined) {
      clients.set(joining, new MemoryClient(server))
      for (const client of clients.values()) await client.messages()
      continue
    }
    if (step === 'B killed') clients.get('B')!.connection.disconnect()
    actions[step]?.(server, main, clients.get('A')!.id)
    t.equal(step.startsWith('S: v') ||
      step.startsWith('S: h') || step.startsWith('S: send'), step in actions, `${step}: known`)
    for (const { conn, dir, hex } of frames) {
      if (dir === 'client>server' && hex !== undefined) clients.get(conn)!.binary(sent(hex))
    }
    if (step === 'B killed') continue
    for (const [label, client] of clients) {
      const expected =
        frames.filter(({ conn, dir, hex }) => conn === label && dir === 'server>client' && hex !== undefined)
      t.same(await client.messages(), expected.map(({ hex }) => hexOf(sent(hex as string))), `${step}: ${label} gets`)
    }
    t.same(told.splice(0), reported(result?.events.S ?? [], clients), `${step}: S runs`)
  }
  t.match(server.monitor.drops, { 'rpc-malformed': 0, 'rpc-unknown-path': 0, 'rpc-unasked-confirm': 0 })
  t.match(server.monitor.drops, {
    'rpc-unknown-node': 3,
    'rpc-unknown-member': 3,
    'rpc-mode': 3,
    'rpc-arguments': 2
  }, 'where Godot reported an error')
})

t.test('accepts and answers the packets that a real client accepts and answers', async t => {
  const told: unknown[][] = []
  const { server } = await serve(told)
  const client = new MemoryClient(server)
  await client.messages()
  const packets = answers.filter(({ step, server_sent: hex }) =>
    typeof hex === 'string' && hex.startsWith('00') && !(step in differences))
  t.ok(packets.length > 25)
  for (const { step, server_sent: hex, client_events: events, client_sent: replies } of packets) {
    client.sendTo(1, hex!.slice(18))
    t.same(payloads(await client.messages()), payloads(replies.map(({ hex }) => hex!)), `${step}: answers`)
    t.same(told.splice(0).map(([what]) => what), events.map(([what]) => what), `${step}: runs`)
  }
})

/** Differences because our server is another peer or stricter; docs/multiplayer.md has the others. */
const differences = {
  'puppet from 1': 'the server is the master, so no client can be',
  'master from 1': 'the same',
  'truncated arg': 'an argument must not extend into the path',
  'CONFIRM Main': 'Main had been announced to this client'
}

const payloads = (packets: string[]) => packets.map(hex => hex.slice(18))

/** A recorded packet with the ids of this run. */
function mapped (hex: string, clients: Map<string, MemoryClient>): Uint8Array {
  const bytes = Buffer.from(bytesOf(hex))
  const id = (old: number): number => {
    const label = Object.keys(ids).find(label => ids[label] === Math.abs(old))
    return label === undefined ? old : Math.sign(old) * clients.get(label)!.id
  }
  const head = header(id(bytes.readInt32LE(1)), id(bytes.readInt32LE(5)))
  head[0] = bytes[0]
  const payload = bytes.subarray(9)
  if (bytes[0] !== 0) payload.writeInt32LE(id(payload.readInt32LE(0)))
  return Buffer.concat([head, payload])
}

/** Events that Godot reported for S, except those about peers; arguments are compared with the packets. */
function reported (events: unknown[][], clients: Map<string, MemoryClient>): unknown[][] {
  return events.filter(([what]) => !/^s\.|peer_(dis)?connected/.test(what as string)).map(([what, sender, detail]) => {
    const label = Object.keys(ids).find(label => ids[label] === sender)
    const id = label === undefined ? sender : clients.get(label)!.id
    return what === 'set x' ? [what, id] : [what, id, detail]
  })
}
