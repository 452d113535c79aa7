import t from 'tap'
import type { Logger } from '../../../src/logger.ts'
import type { RemoteNode } from '../../../src/core/rpc/remote-node.ts'
import { arrayOf, optional, unchecked, variant, type Surface } from '../../../src/core/rpc/rpc-surface.ts'
import type { RpcDrop } from '../../../src/core/server/log/drop-reason.ts'
import type { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import type { ServerOptions } from '../../../src/options/option-types.ts'
import { float, int, PoolVector2Array, Vector2 } from '../../../src/protocol/variant/variant-types.ts'
import type { Variant } from '../../../src/protocol/variant/variant-types.ts'
import { Random, scaled, seed } from '../../helper/random/random.ts'
import { nextTurn } from '../../helper/memory/frame-client.ts'
import { header, MemoryClient } from '../../helper/memory/memory-client.ts'
import { bytesOf, hexOf, readVectors } from '../../helper/random/variant-vectors.ts'
import { openMemoryServer } from '../../helper/memory/memory-server.ts'

/** A listening server, and what it logged as a warning or an error. */
async function serve (options: Partial<ServerOptions> = {}) {
  const logged: Array<{ level: string, message: string, details: any }> = []
  const write = (level: string) => (details: object, message: string): void => {
    logged.push({ level, message, details })
  }
  const log: Logger = { debug: () => {}, info: () => {}, warn: write('warn'), error: write('error') }
  const server = await openMemoryServer({ gdMpApi: true, log, ...options })
  return { server, logged }
}

async function join (server: WebSocketServer): Promise<MemoryClient> {
  const client = new MemoryClient(server)
  await client.messages()
  return client
}

/** Packets from the server, each as its target and its payload. */
async function heard (client: MemoryClient): Promise<string[]> {
  return (await client.messages()).filter(hex => hex.startsWith('0001000000'))
    .map(hex => `${bytesOf(hex.slice(10, 18)).reduceRight((sum, byte) => sum * 256 + byte, 0)} ${hex.slice(18)}`)
}

const ANNOUNCE_MAIN = '02 01000000 4d61696e00'
const CONFIRM_MAIN = '03 4d61696e00'
const CALL_R0 = '00 01000000 723000 00'
const CALL_R0_BY_PATH = '00 09000080 723000 00 4d61696e00'
const plain = (hex: string) => hex.replaceAll(' ', '')

t.test('queues packets while remote calls are not used', async t => {
  const { server } = await serve()
  const client = await join(server)
  const signalled: number[] = []
  server.on('peer_packet', source => signalled.push(source))
  client.sendTo(1, CALL_R0_BY_PATH)
  t.same(signalled, [client.id])
  t.equal(hexOf(server.getPacket()), plain(CALL_R0_BY_PATH))
  t.same(await heard(client), [])
})

t.test('from its first use on MultiplayerAPI handles all packets, queued ones first', async t => {
  const { server } = await serve()
  const client = await join(server)
  const gone = await join(server)
  gone.sendTo(1, CALL_R0_BY_PATH)
  gone.close(1000)
  client.sendTo(1, ANNOUNCE_MAIN)
  client.sendTo(1, CALL_R0)
  await nextTurn()
  const ran: unknown[][] = []
  server.multiplayer.node('/root/Main').method('remote', 'r0', (...given) => ran.push(given))
    .method('remote', 'r1', (...given) => ran.push(given))
  client.sendTo(1, '00 01000000 723100 01 02000000 05000000')
  t.same(ran, [[client.id], [client.id, 5]], 'in order, without those of peers that left')
  t.equal(server.getAvailablePacketCount(), 0)
  t.same(await heard(client), [`${client.id} ${plain(CONFIRM_MAIN)}`])
  t.equal(server.multiplayer, server.multiplayer)
})

t.test('queued packets are handled even if no more arrive', async t => {
  const { server } = await serve()
  const client = await join(server)
  client.sendTo(1, CALL_R0_BY_PATH)
  const ran: number[] = []
  server.multiplayer.node('Main').method('remote', 'r0', sender => ran.push(sender))
  await nextTurn()
  t.same(ran, [client.id])
})

t.test('packets of paused senders are handled as well', async t => {
  const { server } = await serve({ inputMaxPackets: 2 })
  server.getAvailablePacketCount()
  const client = await join(server)
  for (let i = 0; i < 5; i++) client.sendTo(1, CALL_R0_BY_PATH)
  let ran = 0
  server.multiplayer.node('Main').method('remote', 'r0', () => ran++)
  for (let i = 0; i < 5; i++) await nextTurn()
  t.equal(ran, 5)
})

t.test('packets of peers that have left by the first use of remote calls are counted as dropped', async t => {
  const { server } = await serve()
  const client = await join(server)
  client.sendTo(1, '04 01 02')
  client.connection.disconnect()
  await nextTurn()
  t.equal(server.getAvailablePacketCount(), 1)
  t.ok(server.multiplayer.connected)
  await nextTurn()
  t.equal(server.getAvailablePacketCount(), 0)
  t.equal(server.monitor.drops.unread, 1)
})

t.test('without autoPoll handlers run in the poll', async t => {
  const { server } = await serve({ autoPoll: false })
  const ran: number[] = []
  server.multiplayer.node('Main').method('remote', 'r0', sender => ran.push(sender))
  const client = new MemoryClient(server)
  server.poll()
  const [{ id }] = server.peers()
  client.binary(Buffer.concat([header(id, 1), bytesOf(plain(CALL_R0_BY_PATH))]))
  await nextTurn()
  t.same(ran, [])
  server.poll()
  t.same(ran, [id])
})

t.test('a path is announced to newcomers; once all have confirmed it a call is one relayed packet', async t => {
  const { server } = await serve()
  const main = server.multiplayer.node('/root/Main')
  const first = await join(server)
  main.rpc('r0')
  t.same(await heard(first), [ANNOUNCE_MAIN, CALL_R0_BY_PATH].map(hex => `${first.id} ${plain(hex)}`))
  first.sendTo(1, CONFIRM_MAIN)
  main.rpc('r0')
  t.same(await heard(first), [`0 ${plain(CALL_R0)}`])

  const second = await join(server)
  await first.messages()
  main.rpc('r0')
  main.rpc('r0')
  t.same(await heard(first), [`${first.id} ${plain(CALL_R0)}`, `${first.id} ${plain(CALL_R0)}`])
  t.same(await heard(second), [ANNOUNCE_MAIN, CALL_R0_BY_PATH, CALL_R0_BY_PATH].map(hex =>
    `${second.id} ${plain(hex)}`), 'announced once')
  main.rpcId(-second.id, 'r0')
  t.same((await heard(first)).map(hex => hex.split(' ')[1]), [plain(CALL_R0)], 'all receivers know it')
  t.same(await heard(second), [])

  second.sendTo(1, CONFIRM_MAIN)
  main.rpc('r0')
  for (const client of [first, second]) t.same(await heard(client), [`0 ${plain(CALL_R0)}`])
})

t.test('in a large room one packet is sent to all, even if one peer never confirms', async t => {
  const { server } = await serve()
  const main = server.multiplayer.node('/root/Main')
  const clients = await Promise.all(Array.from({ length: 17 }, () => join(server)))
  for (const client of clients) await client.messages()
  main.rpc('r0')
  for (const client of clients) {
    t.same(await heard(client), [`${client.id} ${plain(ANNOUNCE_MAIN)}`, `0 ${plain(CALL_R0_BY_PATH)}`])
  }
  for (const client of clients.slice(1)) client.sendTo(1, CONFIRM_MAIN)
  main.rpcId(-clients[1].id, 'r0')
  t.same((await heard(clients[1])), [])
  t.same((await heard(clients[2])).map(hex => hex.split(' ')[1]), [plain(CALL_R0)], 'sixteen are sent individually')
  main.rpc('r0')
  for (const client of [clients[0], clients[1]]) t.same((await heard(client)).at(-1), `0 ${plain(CALL_R0_BY_PATH)}`)
  main.rpcId(-clients[0].id, 'r0')
  t.same((await heard(clients[1])).map(hex => hex.split(' ')[1]), [plain(CALL_R0)])
})

t.test('a peer that reconnects gets new announcements, and its own are forgotten', async t => {
  const { server } = await serve()
  const main = server.multiplayer.node('/root/Main').method('remote', 'r0', () => {})
  const stays = await join(server)
  for (let round = 0; round < 2; round++) {
    const client = await join(server)
    client.sendTo(1, CALL_R0)
    t.equal(server.monitor.drops['rpc-unknown-path'], round + 1)
    client.sendTo(1, ANNOUNCE_MAIN)
    client.sendTo(1, CALL_R0)
    t.equal(server.monitor.drops['rpc-unknown-path'], round + 1)
    await client.messages()
    main.rpcId(client.id, 'r0')
    t.same((await heard(client)).length, 2, 'announced')
    client.connection.disconnect()
    await nextTurn()
    t.throws(() => main.rpcId(client.id, 'r0'), { code: 'ERR_DOES_NOT_EXIST' })
    stays.sendTo(1, CONFIRM_MAIN)
  }
  await stays.messages()
  main.rpc('r0')
  stays.sendTo(1, CONFIRM_MAIN)
  await stays.messages()
  main.rpc('r0')
  t.same(await heard(stays), [`0 ${plain(CALL_R0)}`], 'peers that left are not waited for')
})

t.test('listeners may call a peer that joins, and the others when one leaves', async t => {
  const { server } = await serve()
  const main = server.multiplayer.node('/root/Main')
  server.on('peer_connected', id => main.rpcId(id, 'r0'))
  server.on('peer_disconnected', id => main.rpc('r1', id))
  const client = new MemoryClient(server)
  t.same((await client.messages()).map(hex => hex.slice(0, 2) + ' ' + hex.slice(18, 20)), ['03 ' +
    hexOf(header(client.id, 0)).slice(2, 4), '01 01', '00 02', '00 00'])
  client.sendTo(1, CONFIRM_MAIN)
  const leaver = await join(server)
  await client.messages()
  leaver.sendTo(1, CONFIRM_MAIN)
  leaver.connection.disconnect()
  await nextTurn()
  t.match(await heard(client), [/^0 0001000000723100/])
})

t.test('a closing peer is not called, and waited for only until it has left', async t => {
  const { server } = await serve({ closeTimeout: 0.01 })
  const main = server.multiplayer.node('/root/Main')
  const client = await join(server)
  server.disconnectPeer(client.id)
  t.doesNotThrow(() => main.rpcId(client.id, 'r0'))
  t.doesNotThrow(() => main.rpc('r0'))
  const { code } = await server.getPeer(client.id).ended()
  t.equal(code, 1000)
  t.same(await heard(client), [])
})

t.test('MultiplayerAPI has Godot\'s signals', async t => {
  const { server } = await serve()
  const told: unknown[][] = []
  const early = await join(server)
  const { multiplayer } = server
  multiplayer.on('network_peer_connected', id => told.push(['in', id]))
  multiplayer.on('network_peer_disconnected', id => told.push(['out', id]))
  multiplayer.once('network_peer_packet', (id, bytes) => told.push([id, bytes]))
  const unheard = () => t.fail('removed')
  multiplayer.on('network_peer_packet', unheard).off('network_peer_packet', unheard)
  t.same([...multiplayer.connected], [early.id], 'peers that were there before it')
  const client = await join(server)
  client.sendTo(1, '04 010203')
  client.sendTo(1, '04 ff')
  client.connection.disconnect()
  await nextTurn()
  t.same(told, [['in', client.id], [client.id, Uint8Array.of(1, 2, 3)], ['out', client.id]])
})

t.test('sendBytes reaches all, one, or all but one', async t => {
  const { server } = await serve()
  const [a, b] = [await join(server), await join(server)]
  await a.messages()
  server.multiplayer.sendBytes(Uint8Array.of(1))
  server.multiplayer.sendBytes(Uint8Array.of(2), a.id)
  server.multiplayer.sendBytes(Uint8Array.of(3), -a.id)
  t.same((await heard(a)).map(hex => hex.split(' ')[1]), ['0401', '0402'])
  t.same((await heard(b)).map(hex => hex.split(' ')[1]), ['0401', '0403'])
})

t.test('a call that cannot be sent throws, and nothing is sent', async t => {
  const { server } = await serve()
  const client = await join(server)
  const { multiplayer } = server
  const main = multiplayer.node('/root/Main')
  t.throws(() => main.rpcId(4242, 'r1', 9), { code: 'ERR_DOES_NOT_EXIST' })
  t.throws(() => main.rpcId(-4242, 'r1', 9), { code: 'ERR_DOES_NOT_EXIST' })
  t.throws(() => main.rsetId(NaN, 'x', 9), { code: 'ERR_DOES_NOT_EXIST' })
  t.throws(() => main.rpcId(1, 'r1', 9), { code: 'ERR_INVALID_PARAMETER' })
  t.throws(() => main.rpc('r1', ...new Array(256).fill(null)), { code: 'ERR_INVALID_PARAMETER' })
  t.throws(() => main.rpc('r1', () => {}), { code: 'ERR_INVALID_PARAMETER' })
  t.throws(() => main.rpc('r\0'), { code: 'ERR_INVALID_PARAMETER' })
  t.throws(() => main.rpc('r1', new Uint8Array(65536)), { code: 'ERR_OUT_OF_MEMORY' })
  t.throws(() => multiplayer.sendBytes(new Uint8Array(0)), { code: 'ERR_INVALID_DATA' })
  t.throws(() => multiplayer.sendBytes(Uint8Array.of(1), 4242), { code: 'ERR_DOES_NOT_EXIST' })
  t.throws(() => multiplayer.sendBytes(Uint8Array.of(1), 1), { code: 'ERR_DOES_NOT_EXIST' })
  const before = (await heard(client)).length
  main.rpc('r1', ...new Array(255).fill(null))
  t.equal(before + (await heard(client)).length, 2, 'an announcement and the one call that could be sent')
})

t.test('in plain mode calls throw ERR_UNCONFIGURED', async t => {
  const { server } = await serve({ gdMpApi: false })
  const client = new MemoryClient(server)
  const main = server.multiplayer.node('/root/Main')
  const unconfigured = { code: 'ERR_UNCONFIGURED', message: 'option gdMpApi is not set' }
  t.throws(() => main.rpc('r0'), unconfigured)
  t.throws(() => { server.multiplayer.sendBytes(Uint8Array.of(1)) }, unconfigured)
  t.throws(() => main.rpcId(client.id, 'r0'), { code: 'ERR_DOES_NOT_EXIST' })
  client.text('hi')
  t.equal(server.getPeer(client.id).getAvailablePacketCount(), 1, 'packets of peers in plain mode are not handled')
})

t.test('a path has one node with one set of members until it is freed', async t => {
  const { server } = await serve()
  const { multiplayer } = server
  const client = await join(server)
  const surface = { r0: [] } as const
  const main = multiplayer.node('/root/Main', surface).method('remote', 'r0', () => t.fail('freed'))
  t.equal(multiplayer.node('Main'), main)
  t.equal(multiplayer.node('/root/Main', surface), main)
  t.equal(multiplayer.node('/root/Main', { r0: [] }), main, 'an equal surface')
  for (const other of [{ r0: [int] }, { r0: unchecked }, { r0: [], r1: [] }, ['r0'], {}]) {
    t.throws(() => multiplayer.node('Main', other as Surface), { code: 'ERR_ALREADY_IN_USE' })
  }
  const kinds = [int, float, Number, String, arrayOf(int), arrayOf(float), optional(int), optional(int, 1), Vector2]
  for (const [at, kind] of kinds.entries()) {
    const path = `Kind${at}`
    multiplayer.node(path, { r0: [kind] })
    for (const other of kinds) {
      if (other === kind) t.ok(multiplayer.node(path, { r0: [other] }))
      else t.throws(() => multiplayer.node(path, { r0: [other] }), { code: 'ERR_ALREADY_IN_USE' })
    }
  }
  t.throws(() => multiplayer.node('/Main'), { code: 'ERR_INVALID_PARAMETER' })
  main.rpc('r0')
  main.free()
  main.free()
  client.sendTo(1, CALL_R0_BY_PATH)
  t.equal(server.monitor.drops['rpc-unknown-node'], 1)
  t.throws(() => main.rpc('r0'), { code: 'ERR_DOES_NOT_EXIST' })
  await client.messages()
  multiplayer.node('Main', { r1: [int] }).rpc('r1', 1)
  main.free()
  t.match(await heard(client), [/ 02020000004d61696e00$/, / 0011000080/], 'a new node gets a new id')
  t.doesNotThrow(() => multiplayer.node('Main').rpc('r1', 2), 'the old one does not free it')
})

t.test('a freed node can no longer be called, not even here', async t => {
  const { server: { multiplayer } } = await serve()
  const main = multiplayer.node('Main')
  for (const mode of ['master', 'remotesync', 'remote'] as const) main.method(mode, mode, () => t.fail(`${mode} ran`))
  main.free()
  t.throws(() => main.method('remote', 'late', () => {}), { code: 'ERR_DOES_NOT_EXIST' })
  t.throws(() => main.property('remote', 'late', () => {}), { code: 'ERR_DOES_NOT_EXIST' })
  for (const name of ['master', 'remotesync', 'remote', 'unknown']) {
    t.throws(() => main.rpc(name), { code: 'ERR_DOES_NOT_EXIST' }, name)
    t.throws(() => main.rpcId(1, name), { code: 'ERR_DOES_NOT_EXIST' }, name)
  }
})

t.test('child nodes inherit the network master, as in Godot', async t => {
  const { server: { multiplayer } } = await serve()
  const [root, main, pawn, gun, mainframe] =
    ['/root', 'Main', 'Main/Pawn', 'Main/Pawn/Gun', 'Mainframe'].map(path => multiplayer.node(path))
  const masters = () => [root, main, pawn, gun, mainframe].map(node => node.getNetworkMaster())
  main.setNetworkMaster(7)
  t.same(masters(), [1, 7, 7, 7, 1])
  pawn.setNetworkMaster(8, false)
  t.same(masters(), [1, 7, 8, 7, 1])
  t.equal(pawn.isNetworkMaster(), false)
  t.equal(multiplayer.node('Main/Late').getNetworkMaster(), 1, 'a node added later has the server as its master')
  root.setNetworkMaster(9)
  t.same(masters(), [9, 9, 9, 9, 9])
  gun.free()
  main.setNetworkMaster(1)
  t.equal(multiplayer.node('Main/Pawn/Gun').getNetworkMaster(), 1)
  t.same(masters(), [9, 1, 1, 9, 9], 'a freed node no longer inherits')
})

t.test('a call that also runs here gives its handler the values that a client would receive', async t => {
  const { server: { multiplayer } } = await serve()
  const ran: unknown[][] = []
  const surface = { add: [String, optional(int, 3)], state: [Map], score: float } as const
  const node = multiplayer.node('Main', surface)
  node.method('remotesync', 'add', (...given) => ran.push(given))
    .method('remotesync', 'state', (...given) => ran.push(given))
  node.property('remotesync', 'score', (...given) => ran.push(given))
  node.rpc('add', 'ann')
  node.rpc('state', { hp: 1 })
  node.rset('score', 2)
  t.strictSame(ran, [[1, 'ann', 3], [1, new Map([['hp', 1]])], [1, 2]])
  t.throws(() => (node as RemoteNode).rpc('add', 5), { code: 'ERR_INVALID_PARAMETER' })
})

t.test('undeclared members get the values that a client would receive; what cannot be sent runs nowhere', async t => {
  const { server } = await serve()
  const client = await join(server)
  const { multiplayer } = server
  const ran: unknown[][] = []
  const node: RemoteNode = multiplayer.node('Main')
  for (const [mode, name] of [['remotesync', 'both'], ['master', 'here']] as const) {
    node.method(mode, name, (...given: unknown[]) => ran.push(given))
  }
  const given = [float(5), { hp: 3 }, 7n, [1]]
  node.rpc('both', ...given as Variant[])
  node.rpcId(1, 'here', ...given as Variant[])
  t.strictSame(ran, Array(2).fill([1, 5, new Map([['hp', 3]]), 7, [1]]))
  t.not(ran[0][4], given[3], 'a copy')
  await heard(client)
  for (const wrong of [[new Date()], Array(256).fill(0)] as Variant[][]) {
    for (const call of [() => { node.rpc('both', ...wrong) }, () => { node.rpcId(1, 'here', ...wrong) }]) {
      t.throws(call, { code: 'ERR_INVALID_PARAMETER' })
    }
  }
  const typed = multiplayer.node('Typed', { both: [int] }).method('remotesync', 'both', (...given) => ran.push(given))
  // Handlers get safe integers.
  t.throws(() => { (typed as RemoteNode).rpc('both', 2n ** 62n) }, { code: 'ERR_INVALID_PARAMETER' })
  t.equal(ran.length, 2)
  t.same(await heard(client), [], 'nothing was sent')
})

/** Packets that are refused after the client announced Main as 1. */
const refusals: Array<[why: RpcDrop, payload: string, details: object]> = [
  ['rpc-malformed', '05', { why: 'unknown RPC command 5 at byte 0' }],
  ['rpc-malformed', '', { why: 'truncated at byte 0' }],
  ['rpc-malformed', '00 01000000 723100 02 02000000 01000000', {}],
  ['rpc-malformed', '00 0f000080 723100 01 02000000 0100 4d61696e00', {}],
  ['rpc-malformed', '04', {}],
  ['rpc-unknown-path', '00 02000000 723000 00', { node: 2, name: 'r0' }],
  ['rpc-unknown-path', '01 02000000 7800 00000000', { node: 2, name: 'x' }],
  ['rpc-unknown-node', '00 09000080 723000 00 4e6f706500', { node: 'Nope', method: 'r0' }],
  ['rpc-unknown-node', '01 0b000080 7800 00000000 4e6f706500', { node: 'Nope', property: 'x' }],
  ['rpc-unknown-member', '00 01000000 6e6f706500 00', { node: 'Main', method: 'nope' }],
  ['rpc-unknown-member', '00 01000000 7800 01 00000000', { node: 'Main', method: 'x' }],
  ['rpc-unknown-member', '01 01000000 723100 00000000', { node: 'Main', property: 'r1' }],
  ['rpc-mode', '00 01000000 703100 00', { node: 'Main', method: 'p1' }],
  ['rpc-arguments', '00 01000000 723100 00', { node: 'Main', method: 'r1' }],
  ['rpc-arguments', '00 01000000 723100 01 00000000', {}],
  ['rpc-arguments', '01 01000000 7800 00000000', { node: 'Main', property: 'x' }],
  ['rpc-unasked-confirm', '03 4d61696e00', { node: 'Main' }]
]

t.test('refused packets are counted and logged, and the peer stays connected', async t => {
  for (const [why, payload, details] of refusals) {
    const { server, logged } = await serve()
    const main = server.multiplayer.node('/root/Main', { r1: [int], p1: [], x: int })
    main.method('remote', 'r1', () => t.fail('ran')).method('puppet', 'p1', () => t.fail('ran'))
      .property('remote', 'x', () => t.fail('ran'))
    const client = await join(server)
    client.sendTo(1, ANNOUNCE_MAIN)
    const notices: unknown[] = []
    server.monitor.events.on('dropped', (reason, peer) => notices.push([reason, peer.id]))
    client.sendTo(1, payload)
    client.sendTo(1, payload)
    t.equal(server.monitor.drops[why], 2, `${why}: ${payload}`)
    t.same(notices, [[why, client.id], [why, client.id]])
    t.match(logged, [{
      level: 'warn',
      message: 'remote call refused',
      details: { peer: client.id, reason: why, ...details }
    }], 'one warning')
    t.equal(logged.length, 1)
    t.ok(server.getPeer(client.id).isOpen)
  }
})

t.test('a node is declared once: other options than those that it has are refused', async t => {
  for (const exactTypes of [false, true]) {
    const server = await openMemoryServer({ gdMpApi: true, exactTypes })
    const { multiplayer } = server
    const surface = { up: [variant], down: [] } as const
    const node = multiplayer.node('/root/Main', surface, { configured: ['up'] })
    for (const same of [undefined, {}, ['up'], { configured: ['up'] }, { exactTypes }, { exactTypes: undefined }]) {
      t.equal(multiplayer.node('Main', surface, same), node)
      t.equal(multiplayer.node('Main', undefined, same), node)
    }
    const others = [{ exactTypes: !exactTypes }, { configured: [] }, ['down'], { configured: ['up', 'down'] }]
    for (const other of others) {
      for (const given of [surface, undefined]) {
        t.throws(() => multiplayer.node('Main', given as typeof surface, other), { code: 'ERR_ALREADY_IN_USE' })
      }
    }
    t.throws(() => multiplayer.node('Main', surface, { exactTypes: !exactTypes }), {
      message: 'node Main already exists with another exactTypes'
    })
    const plain = multiplayer.node('Plain')
    t.equal(multiplayer.node('Plain', undefined, { configured: [], exactTypes }), plain)
    await server.stop()
  }
})

t.test('paths beyond the limit are not confirmed', async t => {
  const { server } = await serve()
  const client = await join(server)
  server.multiplayer.node('Main')
  const path = '50'.repeat(60000)
  for (let i = 1; i <= 5; i++) client.sendTo(1, `02 0${i}000000 ${path}3${i}00`)
  t.equal((await heard(client)).length, 4)
  t.equal(server.monitor.drops['rpc-too-many-paths'], 1)
})

t.test('a handler that throws or rejects is counted and logged once per burst; the peer stays', async t => {
  const { server, logged } = await serve()
  const client = await join(server)
  const error = new Error('no')
  let ran = 0
  server.multiplayer.node('Main').method('remote', 'r0', () => {
    ran++
    if (ran === 1) throw error
    return Promise.reject(error)
  })
  server.multiplayer.on('network_peer_packet', () => { throw error })
  client.sendTo(1, CALL_R0_BY_PATH)
  client.sendTo(1, CALL_R0_BY_PATH)
  client.sendTo(1, '04 01')
  await nextTurn()
  const failure = (details: object) => ({ level: 'error', details: { err: error, ...details } })
  t.equal(ran, 2)
  t.equal(server.monitor.failures, 3)
  t.match(logged, [failure({ peer: client.id, node: 'Main', name: 'r0' }), failure({ signal: 'network_peer_packet' })])
  t.equal(logged.length, 2)
  t.ok(server.getPeer(client.id).isOpen)
})

t.test('arguments are plain values that the handler may keep', async t => {
  const { server } = await serve()
  const client = await join(server)
  const ran: unknown[][] = []
  server.multiplayer.node('Main').method('remote', 'r1', (_, ...given) => ran.push(given))
  const call = '00 1d000080 723100 02 14000000 03000000 01020300 0300000000004040 4d61696e00'
  client.sendTo(1, call)
  client.sendTo(1, call.replace('010203', 'ffffff'))
  t.strictSame(ran, [[Uint8Array.of(1, 2, 3), 3], [Uint8Array.of(255, 255, 255), 3]])
})

t.test('handlers may disconnect the caller and free the node', async t => {
  const { server } = await serve()
  const client = await join(server)
  const main = server.multiplayer.node('Main')
  main.method('remote', 'r0', sender => {
    main.rpc('r1', new Vector2(1, 2), new PoolVector2Array([new Vector2()]))
    server.disconnectPeer(sender)
    main.free()
  })
  client.sendTo(1, CALL_R0_BY_PATH)
  client.sendTo(1, CALL_R0_BY_PATH)
  const frames = await client.frames()
  t.equal(frames.at(-1)!.opcode, 8)
  t.equal(server.monitor.failures, 0)
})

t.test('mutated packets do not throw and do not close a peer', async t => {
  const { steps } = readVectors<{ steps: Array<{ frames?: Array<{ hex?: string }> }> }>('rpc')
  const packets = steps.flatMap(({ frames = [] }) => frames).filter(({ hex }) => hex?.startsWith('00'))
    .map(({ hex }) => bytesOf(hex!.slice(18)))
  const random = new Random(seed)
  t.comment(`SEED=${seed}`)
  const { server } = await serve()
  const client = await join(server)
  for (const path of ['Main', 'Main/Pawn', '/root']) {
    const node = server.multiplayer.node(path)
    for (const name of ['r0', 'r1', 'r2', 'r3', 'ms1']) {
      node.method('remotesync', name, () => {}).property('remotesync', 'x', () => {})
    }
  }
  for (let i = 0; i < scaled(4000); i++) {
    const bytes = Buffer.from(random.pick(packets))
    for (let bends = random.below(4); bends > 0 && bytes.length > 0; bends--) {
      bytes[random.below(bytes.length)] = random.uint32()
    }
    client.binary(Buffer.concat([
      header(client.id, 1), bytes.subarray(0, random.oneIn(4) ? random.below(bytes.length + 1) : bytes.length)
    ]))
    if (i % 500 === 0) await client.frames()
  }
  t.ok(server.getPeer(client.id).isOpen)
  t.equal(server.monitor.failures, 0)
  t.ok(server.monitor.drops['rpc-malformed'] > scaled(200))
})
