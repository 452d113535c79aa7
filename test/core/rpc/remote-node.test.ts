import t from 'tap'
import { NodeMembers } from '../../../src/core/rpc/node-members.ts'
import type { NodeMembersHost } from '../../../src/core/rpc/node-members.ts'
import { RemoteNode } from '../../../src/core/rpc/remote-node.ts'
import type { RpcMode } from '../../../src/core/rpc/rpc-mode.ts'
import type { MemberKind } from '../../../src/core/rpc/rpc-surface.ts'
import { decodeRpcPacket, encodeRpcPacket } from '../../../src/protocol/multiplayer/rpc-packet.ts'
import { variant3 } from '../../../src/protocol/variant/variant.ts'
import type { ReceivedMember } from '../../../src/protocol/multiplayer/rpc-packet.ts'
import { Float, float, int } from '../../../src/protocol/variant/variant-types.ts'
import type { Variant } from '../../../src/protocol/variant/variant-types.ts'

/** A node with one member `m` of each kind, and records of what ran here, was sent, and failed. */
function build (mode: RpcMode = 'remote', handler: (sender: number, ...values: any[]) => unknown = () => {}) {
  const ran: unknown[][] = []
  const sent: unknown[][] = []
  const failed: unknown[][] = []
  const run = (kind: MemberKind) => (sender: number, ...values: any[]) => {
    ran.push([kind, sender, ...values])
    return handler(sender, ...values)
  }
  const members = new NodeMembers({
    ...host,
    send: (_, to, { kind, name, values }) => { sent.push([to, kind, name, ...values]) },
    failed: (error, details) => { failed.push([error, details]) }
  }, 'Main', undefined, { configured: [], exactTypes: false })
  const node = new RemoteNode(members).method(mode, 'm', run('method')).property(mode, 'm', run('property'))
  return { node, ran, sent, failed, receive: receiverOf(members) }
}

const host: NodeMembersHost = {
  check: () => {},
  send: () => {},
  transmitted: values => [...values],
  checkKind: () => {},
  failed: () => {},
  free: () => {},
  synchronizer: () => { throw new Error('Godot 3 has none') },
  setMaster: (node, id) => { node.master = id }
}

/** Calls a member as a client does, with encoded values; returns the reason if that is refused. */
function receiverOf (members: NodeMembers) {
  return (sender: number, kind: MemberKind, name: string, values: readonly Variant[]) => {
    const packet = encodeRpcPacket(variant3, kind === 'method'
      ? {
          type: 'remoteCall',
          node: 1,
          name,
          args: values
        }
      : { type: 'remoteSet', node: 1, name, value: values[0] })
    return members.receive(sender, kind, name, (decodeRpcPacket(variant3, packet) as ReceivedMember).values)?.reason
  }
}

const CLIENT = 7
const OTHER = 8

/**
 * Godot's table, for Godot 3 and 4: what runs if the server is the master of the node, and if a client is, called by
 * that client or by another.
 */
const incoming: Array<[mode: RpcMode, atMaster: boolean, fromMaster: boolean, fromOther: boolean]> = [
  ['remote', true, true, true],
  ['remotesync', true, true, true],
  ['master', true, false, false],
  ['mastersync', true, false, false],
  ['puppet', false, true, false],
  ['puppetsync', false, true, false],
  ['any_peer', true, true, true],
  ['any_peer call_local', true, true, true],
  ['authority', false, true, false],
  ['authority call_local', false, true, false]
]

t.test('received calls and sets run as the mode allows', async t => {
  for (const [mode, atMaster, fromMaster, fromOther] of incoming) {
    for (const [master, sender, runs] of [
      [1, CLIENT, atMaster], [CLIENT, CLIENT, fromMaster], [CLIENT, OTHER, fromOther]
    ] as const) {
      for (const kind of ['method', 'property'] as const) {
        const { node, ran, receive } = build(mode)
        node.setNetworkMaster(master)
        t.equal(receive(sender, kind, 'm', [1]), runs ? undefined : 'rpc-mode')
        t.same(ran, runs ? [[kind, sender, 1]] : [], `${mode} ${kind}, master is ${master}, from ${sender}`)
      }
    }
  }
})

/** Godot's table: whether a call to all runs at the caller, by mode and by whether the caller is the master. */
const outgoing: Array<[mode: RpcMode, isMaster: boolean, isSent: boolean, runsHere: boolean]> = [
  ['remote', true, true, false],
  ['remote', false, true, false],
  ['remotesync', true, true, true],
  ['remotesync', false, true, true],
  ['master', true, false, true],
  ['master', false, true, false],
  ['mastersync', true, false, true],
  ['mastersync', false, true, true],
  ['puppet', true, true, false],
  ['puppet', false, true, true],
  ['puppetsync', true, true, true],
  ['puppetsync', false, true, true],
  ['any_peer', true, true, false],
  ['any_peer', false, true, false],
  ['any_peer call_local', true, true, true],
  ['any_peer call_local', false, true, true],
  ['authority', true, true, false],
  ['authority', false, true, false],
  ['authority call_local', true, true, true],
  ['authority call_local', false, true, true]
]

t.test('outgoing calls and sets also run here if the mode says so', async t => {
  for (const [mode, isMaster, isSent, runsHere] of outgoing) {
    for (const to of [0, -CLIENT]) {
      const { node, ran, sent } = build(mode)
      if (!isMaster) node.setNetworkMaster(CLIENT)
      node.rpcId(to, 'm', 1)
      node.rsetId(to, 'm', 2)
      t.same(sent, isSent
        ? [[to, 'method', 'm', 1], [to, 'property', 'm', 2]]
        : [], `${mode}, ${isMaster ? 'master' : 'puppet'}, to ${to}: sent`)
      t.same(ran, runsHere
        ? [['method', 1, 1], ['property', 1, 2]]
        : [], `${mode}, ${isMaster ? 'master' : 'puppet'}, to ${to}: runs here`)
    }
  }
})

t.test('a call to the server itself runs if the mode allows, or throws', async t => {
  for (const [mode, isMaster, , runsHere] of outgoing) {
    const { node, ran, sent } = build(mode)
    if (!isMaster) node.setNetworkMaster(CLIENT)
    if (runsHere) node.rpcId(1, 'm', 5)
    else t.throws(() => node.rpcId(1, 'm', 5), { code: 'ERR_INVALID_PARAMETER' }, mode)
    t.same(ran, runsHere ? [['method', 1, 5]] : [], mode)
    t.same(sent, [])
  }
  const { node } = build()
  t.throws(() => node.rpcId(1, 'unknown'), { code: 'ERR_INVALID_PARAMETER' })
  t.throws(() => node.rsetId(1, 'unknown', 1), { code: 'ERR_INVALID_PARAMETER' })
})

t.test('a call that does not include the server does not run here', async t => {
  for (const to of [CLIENT, -1]) {
    const { node, ran, sent } = build('mastersync')
    node.rpcId(to, 'm', 1)
    t.same(ran, [])
    t.same(sent, [[to, 'method', 'm', 1]])
  }
})

t.test('unreliable calls and sets are sent like reliable ones', async t => {
  const { node, sent } = build()
  node.rpcUnreliable('m', 1, 2)
  node.rpcUnreliableId(CLIENT, 'm', 3)
  node.rsetUnreliable('m', 4)
  node.rsetUnreliableId(CLIENT, 'm', 5)
  node.rset('m', 6)
  t.same(sent, [
    [0, 'method', 'm', 1, 2], [CLIENT, 'method', 'm', 3], [0, 'property', 'm', 4], [CLIENT, 'property', 'm', 5],
    [0, 'property', 'm', 6]
  ])
})

t.test('members without a handler and members of the other kind are unknown', async t => {
  const { ran, receive } = build()
  t.equal(receive(CLIENT, 'method', 'plain', []), 'rpc-unknown-member')
  t.equal(receive(CLIENT, 'method', 'constructor', []), 'rpc-unknown-member')
  const half = build()
  half.node.method('remote', 'only', () => {})
  t.equal(half.receive(CLIENT, 'property', 'only', [1]), 'rpc-unknown-member')
  t.same(ran, [])
})

t.test('exceptions and rejections of handlers are reported, for remote and own calls', async t => {
  const error = new Error('no')
  for (const handler of [() => { throw error }, async () => { throw error }]) {
    const { node, failed, ran, receive } = build('remotesync', handler)
    receive(CLIENT, 'method', 'm', [])
    node.rpc('m')
    await new Promise(setImmediate)
    t.equal(ran.length, 2)
    t.same(failed, [CLIENT, 1].map(peer => [error, { peer, node: 'Main', name: 'm' }]))
  }
})

t.test('declared members are checked when received and converted when sent', async t => {
  const ran: unknown[] = []
  const sent: unknown[] = []
  const surface = { hit: [int, float], speed: float } as const
  const members = new NodeMembers({
    ...host,
    send: (_, __, { values }) => {
      sent.push(values)
    }
  }, 'Main', surface, { configured: [], exactTypes: false })
  const node: RemoteNode = new RemoteNode(members)
  const receive = receiverOf(members)
  node.method('remote', 'hit', (...given) => ran.push(given)).property('remote', 'speed', (...given) => ran.push(given))
  t.equal(receive(CLIENT, 'method', 'hit', [1, 2]), undefined)
  t.equal(receive(CLIENT, 'property', 'speed', [3]), undefined)
  for (const values of [[1], [1, 2, 3], ['1', 2]]) t.equal(receive(CLIENT, 'method', 'hit', values), 'rpc-arguments')
  t.equal(receive(CLIENT, 'property', 'speed', ['fast']), 'rpc-arguments')
  t.same(ran, [[CLIENT, 1, 2], [CLIENT, 3]])
  node.rpc('hit', 1, 2)
  node.rset('speed', 3)
  t.strictSame(sent, [[1, new Float(2)], [new Float(3)]])
  for (const wrong of [() => node.rpc('miss'), () => node.rset('hit', 1), () =>
    node.method('remote', 'speed', () => {}), () => node.property('remote', 'hit', () => {})]) {
    t.throws(wrong, { code: 'ERR_INVALID_PARAMETER' })
  }
})

t.test('invalid modes and network masters throw', async t => {
  const { node } = build()
  t.throws(() => node.method('anyone' as never, 'm', () => {}), { code: 'ERR_INVALID_PARAMETER' })
  t.throws(() => node.method('toString' as never, 'm', () => {}), { code: 'ERR_INVALID_PARAMETER' })
  for (const id of [0, -1, 1.5, NaN]) t.throws(() => node.setNetworkMaster(id), { code: 'ERR_INVALID_PARAMETER' })
  t.equal(node.getNetworkMaster(), 1)
  t.ok(node.isNetworkMaster())
  node.setNetworkMaster(CLIENT)
  t.equal(node.getNetworkMaster(), CLIENT)
  t.notOk(node.isNetworkMaster())
})

t.test('a call that also runs here throws if its handler could not get the value', async t => {
  const ran: unknown[] = []
  const members = new NodeMembers(host, 'Main', { m: [int] }, { configured: [], exactTypes: false })
  const node = new RemoteNode(members).method('remotesync', 'm', (_, value) => { ran.push(value) })
  t.throws(() => { node.rpc('m', 2n ** 60n) }, { code: 'ERR_INVALID_PARAMETER', message: /another kind/ })
  node.rpc('m', 5n)
  t.same(ran, [5])
})
