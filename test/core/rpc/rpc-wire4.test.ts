import t from 'tap'
import type { RemoteNode } from '../../../src/core/rpc/remote-node.ts'
import { MethodList } from '../../../src/protocol/multiplayer/method-list.ts'
import { encodeCall4 } from '../../../src/protocol/multiplayer/rpc4-packet.ts'
import { variant4 } from '../../../src/protocol/variant/variant4.ts'
import { Random, scaled, seed } from '../../helper/random/random.ts'
import { FrameClient, nextTurn } from '../../helper/memory/frame-client.ts'
import { addScriptedNode, script } from '../../helper/godot/godot4-script.ts'
import type { HandledCall } from '../../helper/godot/godot4-script.ts'
import { mutated } from '../../helper/random/mutation.ts'
import { bytesOf, hexOf, readVectors } from '../../helper/random/variant-vectors.ts'
import { receive, sessionOf } from '../../helper/internals.ts'
import { openGodot4Server } from '../../helper/memory/memory-server.ts'

/** A session between real Godot 4 processes, S being the server: the frames of each step by connection. */
interface Frame { conn: string, dir: string, opcode?: number, hex?: string }
interface Step {
  step: string
  frames: Frame[]
  result: { events: Record<string, unknown[][]>, refused?: Record<string, string[]> }
}
interface Session { title: string, ids: Record<string, number>, steps: Step[] }
const recorded = readVectors<{
  ids: Record<string, number>,
  method_lists: Record<string, string[]>,
  steps: Step[],
  replication: Session[]
}>('godot4-rpc')
const { ids } = recorded

const odd = Object.fromEntries(recorded.method_lists.Odd.map(name => [name, [] as const]))

/** A server in place of S, with its nodes; `ran` has the calls that ran there. */
async function serve (ids: Record<string, number>, ran: HandledCall[]) {
  const left = Object.values(ids)
  const server = await openGodot4Server({}, () => left.shift()!)
  const { multiplayer } = server
  const nodes: Record<string, RemoteNode> = {}
  for (const path of ['/root/Main', '/root/Main/Pawn', '/root/Main/N299']) {
    nodes[path.split('/').pop()!] = addScriptedNode(server, path, (...what) => { ran.push(what) })
  }
  const add = (node: RemoteNode, names: string[]): void => {
    for (const name of names) {
      node.method('any_peer', name, (sender, ...values) => { ran.push([name, sender, node.path, values]) })
    }
  }
  add(multiplayer.node('/root/Other', { aa: [], bb: [] }), ['aa', 'bb'])
  add(multiplayer.node('/root/Odd', odd), Object.keys(odd))
  add(multiplayer.node('/root/Conf', ['aa', 'bb', 'get_name', 'set_name'], ['set_name', 'get_name']), [
    'bb', 'get_name'
  ])
  return { server, nodes }
}

/** The steps in which S acts by itself. */
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
/**
 * Confirmations that are not in the file: of a path without a node Godot sends none, and of 300 only the last
 * announcement is kept.
 */
const confirmed: Record<string, string> = {
  'A: rpc on a node that exists only on A': '020103000000',
  [MANY]: '020133010000'
}
/** Steps whose calls are not in the file: a function of the engine, and calls that were not recorded. */
const unheard = new Set(['A: v.Conf.rpc_id(1, "get_name")', MANY])

t.test('reproduces the recorded session of real Godot 4 processes frame by frame', async t => {
  const ran: HandledCall[] = []
  const { server, nodes } = await serve(ids, ran)
  const clients = new Map<string, FrameClient>()
  let replayed = 0
  for (const { step, frames, result } of recorded.steps) {
    const [, joining] = /^client (.) connects/.exec(step) ?? []
    if (joining !== undefined) clients.set(joining, new FrameClient(server))
    if (step === 'B killed') clients.get('B')!.connection.disconnect()
    t.equal(step.startsWith('S: '), step in acts, `${step}: known`)
    acts[step]?.(nodes.Main, nodes.Pawn)
    replayed += play(clients, frames)
    for (const [name, client] of clients) {
      const sent = frames.filter(({ conn, dir, hex }) => conn === name && dir === 'server>client' && hex !== undefined)
        .map(({ opcode, hex }) => `${opcode!}:${hex!}`)
      replayed += sent.length
      if (name === 'A' && step in confirmed) sent.unshift(`2:${confirmed[step]}`)
      t.same(bySource(await client.receivedFrames()), bySource(sent), `${step}: ${name} gets`)
    }
    const events = (result.events.S ?? []).filter(([what]) => !(what as string).startsWith('api.'))
    const told = ran.splice(0)
    if (!unheard.has(step)) t.same(told.map(([name]) => name), events.map(([name]) => name), `${step}: S runs`)
    for (const [name, sender, , values] of told) checkValues(t, step, name, sender, values, frames)
  }
  t.same([recorded.steps.length, replayed], [97, 259])
  // In these steps the file has the error message of S.
  t.match(server.monitor.drops, {
    'rpc-malformed': 0,
    'rpc-unknown-path': 0,
    'rpc-unasked-confirm': 0,
    'rpc-method-list': 0,
    'rpc-unknown-node': 2 + 1
  })
  t.match(server.monitor.drops, { 'rpc-mode': 2, 'rpc-arguments': 3 })
})

/** Sends the frames of the clients in a step; returns their number. */
function play (clients: ReadonlyMap<string, FrameClient>, frames: Frame[]): number {
  const sent = frames.filter(({ dir, hex }) => dir === 'client>server' && hex !== undefined)
  for (const { conn, opcode, hex } of sent) clients.get(conn)!.send(opcode!, bytesOf(hex!))
  return sent.length
}

/** Only the order of frames of the same sender matters. */
function bySource (frames: string[]): string[][] {
  const sources = frames.map(frame => frame.slice(0, 14))
  return [...new Set(sources)].sort().map(source => frames.filter(frame => frame.startsWith(source)))
}

/** Checks that the arguments of the handler encode to the bytes of the recorded call. */
function checkValues (
  t: import('tap').Test, step: string, name: string, sender: number, values: readonly unknown[], frames: Frame[]
): void {
  if (!(name in script) || sender === 1 || values.length === 0) return
  const method = new MethodList(Object.keys(script)).idOf(name)!
  const called = frames.filter(({ conn, dir, hex }) =>
    conn === 'A' && dir === 'client>server' && hex !== undefined && !/^(07|01)/.test(hex)).map(({ hex }) => hex)
  const nodes = [1, 2, 307].map(node => hexOf(encodeCall4(variant4, node, method, values as never)))
  t.ok(called.length === 1 && nodes.includes(called[0]!), `${step}: the values`)
}

t.test('relays packets of spawners and synchronizers unchanged', async t => {
  const { title, ids, steps } = recorded.replication[1]
  const { server } = await serve(ids, [])
  const clients = new Map<string, FrameClient>()
  let replayed = 0
  for (const { step, frames } of steps) {
    const [, joining] = /^client (.) connects/.exec(step) ?? []
    if (joining !== undefined) clients.set(joining, new FrameClient(server))
    replayed += play(clients, frames)
    for (const [name, client] of clients) {
      const sent = frames.filter(({ conn, dir, hex }) => conn === name && dir === 'server>client' && hex !== undefined)
        .map(({ opcode, hex }) => `${opcode!}:${hex!}`)
      replayed += sent.length
      t.same(bySource(await client.receivedFrames()), bySource(sent), `${title}, ${step}: ${name} gets`)
    }
  }
  await nextTurn()
  t.same([recorded.replication.length, steps.length, replayed], [2, 4, 25])
  t.equal(Object.values(server.monitor.drops).reduce((sum, count) => sum + count), 0)
})

t.test('method lists have the ids and the MD5 of Godot', async t => {
  const { method_lists: lists } = recorded
  const md5s = recorded.steps.flatMap(({ frames }) => frames).map(({ hex = '' }) => hex)
    .filter(hex => hex.startsWith('01')).map(hex => Buffer.from(bytesOf(hex.slice(2, 66))).toString())
  t.ok(md5s.includes(new MethodList(lists['Main, Main/Pawn']).md5))
  t.ok(md5s.includes(new MethodList(lists.Other.toReversed()).md5))
  t.ok(md5s.includes(new MethodList([...lists.Odd].sort()).md5))
  const conf = new MethodList(['bb', 'aa'], ['set_name', 'get_name'])
  t.ok(md5s.includes(conf.md5))
  t.same(['aa', 'bb', 'get_name', 'set_name', 'cc'].map(name => conf.idOf(name)), [0, 1, 0x8000, 0x8001, undefined])
  t.same([0, 1, 0x8000, 0x8001, 2, 0x8002].map(id =>
    conf.nameOf(id)), ['aa', 'bb', 'get_name', 'set_name', undefined, undefined])
  t.same(lists.Odd.map((_, id) => new MethodList(lists.Odd.toReversed()).nameOf(id)), lists.Odd)
  t.equal(new MethodList([]).md5, 'd41d8cd98f00b204e9800998ecf8427e')
  // Sorted by code points, not by UTF-16 units.
  t.same([0, 1].map(id => new MethodList(['\u{1d400}', '\uff21']).nameOf(id)), ['\uff21', '\u{1d400}'])
})

t.test('accepts confirmations of older clients, also mixed with current ones', async t => {
  const path = '4d61696e00'
  const announce = `01${Buffer.from(new MethodList(Object.keys(script)).md5).toString('hex')}0007000000${path}`
  const rows = [
    ['id', ['2:020107000000'], '020101000000', '02014d61696e00'],
    ['path', [`2:0201${path}`], '02014d61696e00', '020101000000'],
    ['both', [`2:0201${path}`, '2:020107000000'], '02014d61696e00', undefined]
  ] as const
  for (const [confirmPath, answers, taken, refused] of rows) {
    const server = await openGodot4Server({ confirmPath })
    const main = addScriptedNode(server, '/root/Main', () => {})
    const client = new FrameClient(server)
    await client.frames()
    client.binary(bytesOf(announce))
    t.same(await client.receivedFrames(), answers, confirmPath)
    main.rpc('r0')
    t.equal((await client.frames()).length, 2, 'announced, and called by path')
    if (refused !== undefined) client.binary(bytesOf(refused))
    t.equal(server.monitor.drops['rpc-unasked-confirm'], Number(refused !== undefined))
    client.binary(bytesOf(taken))
    main.rpc('r0')
    t.same(await client.receivedFrames(), ['2:800102'], confirmPath)
    await server.stop()
  }
})

t.test('a confirmed path of three letters is not mistaken for an id', async t => {
  const server = await openGodot4Server({ confirmPath: 'both' })
  const node = addScriptedNode(server, '/root/abc', () => {})
  const client = new FrameClient(server)
  node.rpc('r0')
  await client.frames()
  client.binary(bytesOf('020161626300'))
  node.rpc('r0')
  t.same(await client.receivedFrames(), ['2:800102'])
  await server.stop()
})

t.test('confirms paths even without remote calls on the server, so that clients can send ids', async t => {
  const server = await openGodot4Server()
  const ran: HandledCall[] = []
  const client = new FrameClient(server)
  await client.frames()
  client.binary(bytesOf(`01${'30'.repeat(32)}00070000004d61696e00`))
  client.binary(bytesOf('800702'))
  t.same(await client.receivedFrames(), ['2:020107000000'])
  t.equal(server.monitor.drops.unread, 1)
  for (const hex of ['0400000000000000', '0500000000', '06010000', '1600']) client.binary(bytesOf(hex))
  t.equal(server.monitor.drops.unread, 1, 'does not count packets of spawners and synchronizers as unread')
  client.binary(bytesOf('03aa'))
  t.equal(server.getAvailablePacketCount(), 1)
  // From its first use the API knows earlier announcements and gets the queued packets.
  const bytes: unknown[] = []
  server.multiplayer.on('network_peer_packet', (_, raw) => { bytes.push(hexOf(raw)) })
  server.multiplayer.node('Main').method('any_peer', 'r0', () => {})
  server.multiplayer.node('Other', script)
  await nextTurn()
  t.same(bytes, ['aa'])
  client.binary(bytesOf('800702'))
  t.equal(server.monitor.drops['rpc-method-list'], 1, 'the path is known, but not its methods')
  addScriptedNode(server, '/root/Pawn', (...what) => { ran.push(what) })
  client.binary(bytesOf(`01${Buffer.from(new MethodList(Object.keys(script)).md5)
    .toString('hex')}00080000005061776e00`))
  client.binary(bytesOf('800802'))
  t.equal(ran.length, 1)
  await server.stop()
})

t.test('forgets announcements with the peer, and the id of a node with the node', async t => {
  const server = await openGodot4Server()
  const main = addScriptedNode(server, '/root/Main', () => {})
  const [stays, leaves] = [new FrameClient(server), new FrameClient(server)]
  for (const client of [stays, leaves]) client.binary(bytesOf(`01${'30'.repeat(32)}00070000005800`))
  leaves.connection.disconnect()
  await stays.frames()
  main.rpc('r0')
  t.match(await stays.receivedFrames(), [/^2:01.*00010000004d61696e00$/, /^2:a0/])
  main.free()
  t.throws(() => { main.rpc('r0') }, { code: 'ERR_DOES_NOT_EXIST' })
  addScriptedNode(server, '/root/Main', () => {}).rpc('r0')
  t.match(await stays.receivedFrames(), [/^2:01.*00020000004d61696e00$/, /^2:a0/])
  // Paths beyond the limit are not confirmed; the client keeps sending full paths.
  for (let id = 100; id < 1200; id++) {
    stays.binary(Buffer.concat([
      bytesOf(`01${'30'.repeat(32)}00`), Buffer.of(id & 255, id >> 8, 0, 0), Buffer.from(`${id}`.padEnd(300, 'a'))
    ]))
  }
  t.ok(server.monitor.drops['rpc-too-many-paths'] > 0)
  await server.stop()
})

t.test('in a large room one packet is sent to all, even if one peer never confirms', async t => {
  const server = await openGodot4Server()
  const main = addScriptedNode(server, '/root/Main', () => {})
  const clients = Array.from({ length: 18 }, () => new FrameClient(server))
  for (const client of clients) await client.frames()
  main.rpc('r0')
  for (const client of clients) t.match(await client.receivedFrames(), [/^2:01/, '2:a006000080024d61696e00'])
  for (const client of clients.slice(1)) client.binary(bytesOf('020101000000'))
  main.rpc('r0')
  for (const client of clients) t.same(await client.receivedFrames(), ['2:a006000080024d61696e00'])
  clients[2].connection.disconnect()
  clients[3].connection.disconnect()
  await nextTurn()
  for (const client of clients) await client.frames()
  main.rpc('r0')
  t.same(await clients[0].receivedFrames(), ['2:a006000080024d61696e00'])
  t.same(await clients[1].receivedFrames(), ['2:a00100000002'], 'sixteen individually, by id where it is known')
  await server.stop()
})

t.test('refuses mutated packets without an exception', async t => {
  const random = new Random(seed)
  const { server } = await serve({ A: 10, B: 11 }, [])
  const [client] = [new FrameClient(server), new FrameClient(server)]
  const frames = recorded.steps.flatMap(({ frames }) => frames)
    .filter(({ dir, hex }) => dir === 'client>server' && hex !== undefined).map(({ hex }) => bytesOf(hex!))
  for (let i = 0; i < scaled(5000); i++) {
    const bytes = mutated(random, frames)
    receive(server, sessionOf(server, 10)!, bytes, 0, bytes.length, false)
    if (i % 500 === 0) await client.frames()
  }
  t.equal(server.peerCount, 2, `seed ${seed}`)
  t.equal(server.monitor.failures, 0, `seed ${seed}`)
  t.ok(server.monitor.drops['rpc-malformed'] > 0)
  await server.stop()
})
