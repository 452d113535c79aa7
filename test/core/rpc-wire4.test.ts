import t from 'tap'
import type { RemoteNode } from '../../src/core/remote-node.ts'
import { WebSocketServer } from '../../src/core/websocket-server.ts'
import { MethodList } from '../../src/protocol/method-list.ts'
import { encodeCall4 } from '../../src/protocol/rpc4-packet.ts'
import { FrameClient, turn } from '../helper/frame-client.ts'
import { addScript, script } from '../helper/godot4-script.ts'
import type { Ran } from '../helper/godot4-script.ts'
import { memoryMount } from '../helper/memory-client.ts'
import { bytesOf, hexOf, readVectors } from '../helper/variant-vectors.ts'

/** A session between real Godot 4 processes, the server S among them: what each step put on which connection. */
interface Frame { conn: string, dir: string, opcode?: number, hex?: string }
interface Step { step: string, frames: Frame[], result: { events: Record<string, unknown[][]>, refused?: Record<string, string[]> } }
interface Session { title: string, ids: Record<string, number>, steps: Step[] }
const recorded = readVectors<{ ids: Record<string, number>, method_lists: Record<string, string[]>, steps: Step[], replication: Session[] }>('godot4-rpc')
const { ids } = recorded

const odd = Object.fromEntries(recorded.method_lists.Odd.map(name => [name, [] as const]))

/** A server in the place of S, with its nodes; `ran` is what was called there. */
async function serve (ids: Record<string, number>, ran: Ran[]) {
  const left = Object.values(ids)
  const server = new WebSocketServer({ gdMpApi: true, wire: 'godot4' }, { ...memoryMount, drawId: () => left.shift()! })
  await server.listen()
  const { multiplayer } = server
  const nodes: Record<string, RemoteNode> = {}
  for (const path of ['/root/Main', '/root/Main/Pawn', '/root/Main/N299']) nodes[path.split('/').pop()!] = addScript(server, path, (...what) => { ran.push(what) })
  const add = (node: RemoteNode, names: string[]): void => { for (const name of names) node.method('any_peer', name, (sender, ...values) => { ran.push([name, sender, node.path, values]) }) }
  add(multiplayer.node('/root/Other', { aa: [], bb: [] }), ['aa', 'bb'])
  add(multiplayer.node('/root/Odd', odd), Object.keys(odd))
  add(multiplayer.node('/root/Conf', ['aa', 'bb', 'get_name', 'set_name'], ['set_name', 'get_name']), ['bb', 'get_name'])
  return { server, nodes }
}

/** What S does by itself. */
const acts: Record<string, (main: RemoteNode, pawn: RemoteNode) => void> = {
  'S: v.n.rpc("r0"), first use': main => main.rpc('r0'),
  'S: v.n.rpc("r0") again': main => main.rpcUnreliable('r0'),
  'S: v.n.rpc("au", 3)': main => main.rpc('au', 3),
  'S: v.n.rpc_id(A, "au", 4)': main => main.rpcId(ids.A, 'au', 4),
  'S: v.n.rpc_id(-A, "au", 5)': main => main.rpcUnreliableId(-ids.A, 'au', 5),
  'S: v.n.rpc("al", 6)': main => main.rpc('al', 6),
  'S: v.n.rpc("r3", "srv", 2, null)': main => main.rpc('r3', 'srv', 2, null),
  'S: v.q.set_multiplayer_authority(A)': (_, pawn) => pawn.setNetworkMaster(ids.A)
}

const MANY = 'A: rpc_id(1, "r0") on 300 nodes N0..N299 (first use; only the last two calls are kept)'
/** Confirmations that are not in the file: of a path without a node Godot sends none, and of 300 only the last announcement is kept. */
const confirmed: Record<string, string> = { 'A: rpc on a node that exists only on A': '020103000000', [MANY]: '020133010000' }
/** What S ran but does not tell in the file: a function of the engine, and what was not kept. */
const unheard = new Set(['A: v.Conf.rpc_id(1, "get_name")', MANY])

t.test('the recorded session of real Godot 4 processes, our server in the place of theirs, frame by frame', async t => {
  const ran: Ran[] = []
  const { server, nodes } = await serve(ids, ran)
  const clients = new Map<string, FrameClient>()
  for (const { step, frames, result } of recorded.steps) {
    const [, joining] = /^client (.) connects/.exec(step) ?? []
    if (joining !== undefined) clients.set(joining, new FrameClient(server))
    if (step === 'B killed') clients.get('B')!.connection.hangUp()
    t.equal(step.startsWith('S: '), step in acts, `${step}: known`)
    acts[step]?.(nodes.Main, nodes.Pawn)
    for (const { conn, dir, opcode, hex } of frames) if (dir === 'client>server' && hex !== undefined) clients.get(conn)!.send(opcode!, bytesOf(hex))
    for (const [name, client] of clients) {
      const sent = frames.filter(({ conn, dir, hex }) => conn === name && dir === 'server>client' && hex !== undefined).map(({ opcode, hex }) => `${opcode!}:${hex!}`)
      if (name === 'A' && step in confirmed) sent.unshift(`2:${confirmed[step]}`)
      t.same(bySource(await client.heard()), bySource(sent), `${step}: ${name} gets`)
    }
    const events = (result.events.S ?? []).filter(([what]) => !(what as string).startsWith('api.'))
    const told = ran.splice(0)
    if (!unheard.has(step)) t.same(told.map(([name]) => name), events.map(([name]) => name), `${step}: S runs`)
    for (const [name, sender, , values] of told) checkValues(t, step, name, sender, values, frames)
  }
  // Where the file words a refusal at S.
  t.match(server.drops, { 'rpc-malformed': 0, 'rpc-unknown-path': 0, 'rpc-unasked-confirm': 0, 'rpc-method-list': 0, 'rpc-unknown-node': 2 + 1 })
  t.match(server.drops, { 'rpc-mode': 2, 'rpc-arguments': 3 })
})

/** Between the frames of two senders the order proves nothing: of each it counts. */
function bySource (frames: string[]): string[][] {
  const sources = frames.map(frame => frame.slice(0, 14))
  return [...new Set(sources)].sort().map(source => frames.filter(frame => frame.startsWith(source)))
}

/** What the handler was given is what the frame of the call says: it is written as the same bytes. */
function checkValues (t: import('tap').Test, step: string, name: string, sender: number, values: readonly unknown[], frames: Frame[]): void {
  if (!(name in script) || sender === 1 || values.length === 0) return
  const method = new MethodList(Object.keys(script)).idOf(name)!
  const called = frames.filter(({ conn, dir, hex }) => conn === 'A' && dir === 'client>server' && hex !== undefined && !/^(07|01)/.test(hex)).map(({ hex }) => hex)
  const nodes = [1, 2, 307].map(node => hexOf(encodeCall4(node, method, values as never)))
  t.ok(called.length === 1 && nodes.includes(called[0]!), `${step}: the values`)
}

t.test('spawners and synchronizers of a client pass through the relay untouched', async t => {
  const { title, ids, steps } = recorded.replication[1]
  const { server } = await serve(ids, [])
  const clients = new Map<string, FrameClient>()
  for (const { step, frames } of steps) {
    const [, joining] = /^client (.) connects/.exec(step) ?? []
    if (joining !== undefined) clients.set(joining, new FrameClient(server))
    for (const { conn, dir, opcode, hex } of frames) if (dir === 'client>server' && hex !== undefined) clients.get(conn)!.send(opcode!, bytesOf(hex))
    for (const [name, client] of clients) {
      const sent = frames.filter(({ conn, dir, hex }) => conn === name && dir === 'server>client' && hex !== undefined).map(({ opcode, hex }) => `${opcode!}:${hex!}`)
      t.same(bySource(await client.heard()), bySource(sent), `${title}, ${step}: ${name} gets`)
    }
  }
  await turn()
  t.equal(Object.values(server.drops).reduce((sum, count) => sum + count), 0)
})

t.test('method lists: numbers and MD5 as Godot has them', async t => {
  const { method_lists: lists } = recorded
  const md5s = recorded.steps.flatMap(({ frames }) => frames).map(({ hex = '' }) => hex).filter(hex => hex.startsWith('01')).map(hex => Buffer.from(bytesOf(hex.slice(2, 66))).toString())
  t.ok(md5s.includes(new MethodList(lists['Main, Main/Pawn']).md5))
  t.ok(md5s.includes(new MethodList(lists.Other.toReversed()).md5))
  t.ok(md5s.includes(new MethodList([...lists.Odd].sort()).md5))
  const conf = new MethodList(['bb', 'aa'], ['set_name', 'get_name'])
  t.ok(md5s.includes(conf.md5))
  t.same(['aa', 'bb', 'get_name', 'set_name', 'cc'].map(name => conf.idOf(name)), [0, 1, 0x8000, 0x8001, undefined])
  t.same([0, 1, 0x8000, 0x8001, 2, 0x8002].map(id => conf.nameOf(id)), ['aa', 'bb', 'get_name', 'set_name', undefined, undefined])
  t.same(lists.Odd.map((_, id) => new MethodList(lists.Odd.toReversed()).nameOf(id)), lists.Odd)
  t.equal(new MethodList([]).md5, 'd41d8cd98f00b204e9800998ecf8427e')
  // Code points, not halves of surrogate pairs.
  t.same([0, 1].map(id => new MethodList(['\u{1d400}', '\uff21']).nameOf(id)), ['\uff21', '\u{1d400}'])
})
