import type { FastifyInstance } from 'fastify'
import t from 'tap'
import {
  arrayOf, dictionaryOf, float, int, PoolVector2Array, serverOptions, StringName, variant, Vector2, WebSocketServer
} from '../index.ts'
import type { Authenticate, MembersOf, OnHandshake, RemoteNode, Surface, Variant, WebSocketPeer } from '../index.ts'
import type { ClientEvent, PeerServerClient } from '../src/client/index.ts'

/** Compiles only when both types are the same. */
type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false
const same = <T extends true>(holds?: T): void => { t.equal(holds, undefined) }

/** A game's node, declared as values: checked when packets come in, and typed. */
const main = {
  join: [String],
  steer: [Vector2, float],
  state: [int, PoolVector2Array],
  shout: [variant],
  reset: [],
  score: int,
  title: String
} as const satisfies Surface

/** The same as an interface: typed only. */
interface MainMembers {
  join (name: string): void
  steer (direction: Vector2, speed: number): void
  state (tick: number, positions: PoolVector2Array): void
  shout (anything: Variant): void
  reset (): void
  score: number
  title: string
}

// What stands in here is compiled and never run: a line under @ts-expect-error that compiles is an error.
function compiled (
  checked: RemoteNode<MembersOf<typeof main>>, typed: RemoteNode<MainMembers>, untyped: RemoteNode
): void {
  for (const node of [checked, typed] as Array<typeof typed>) {
    node.method('remote', 'join', (sender, name) => {
      same<Same<typeof sender, number>>()
      same<Same<typeof name, string>>()
    })
    node.method('master', 'steer', (sender, direction, speed) => direction.x * speed + sender)
    node.method('remotesync', 'reset', async () => {})
    node.property('puppet', 'score', (_, value) => { same<Same<typeof value, number>>() })
    // A handler may want less than it gets.
    node.method('remote', 'join', () => {})
    node.rpc('state', 7, new PoolVector2Array([new Vector2(1, 2)]))
    node.rpcId(5, 'join', 'Ada')
    node.rpcUnreliable('reset')
    node.rpcUnreliableId(-5, 'shout', ['anything', { at: null }])
    node.rset('title', 'Arena')
    node.rsetId(5, 'score', 3)
  }

  // @ts-expect-error no such method
  checked.method('remote', 'leave', () => {})
  // @ts-expect-error a property is not a method
  checked.method('remote', 'score', () => {})
  // @ts-expect-error a method is not a property
  checked.property('remote', 'join', () => {})
  // @ts-expect-error no such mode
  checked.method('anyone', 'join', () => {})
  // @ts-expect-error join is given a text
  checked.method('remote', 'join', (_, name: number) => name)
  // @ts-expect-error join is given one argument
  checked.method('remote', 'join', (_, name, more) => name + more)
  // @ts-expect-error no such method
  checked.rpc('leave')
  // @ts-expect-error an argument too few
  checked.rpc('join')
  // @ts-expect-error an argument too many
  checked.rpc('join', 'Ada', 1)
  // @ts-expect-error an argument of another type
  checked.rpcId(5, 'join', 7)
  // @ts-expect-error the target is missing
  checked.rpcId('join', 'Ada')
  // @ts-expect-error what is no Variant
  checked.rpc('shout', () => {})
  // @ts-expect-error a method is not set
  checked.rset('join', 'Ada')
  // @ts-expect-error a value of another type
  checked.rset('score', 'three')
  // @ts-expect-error the interface says so too
  typed.rpc('join', 7)
  // @ts-expect-error the interface says so too
  typed.property('remote', 'join', () => {})

  untyped.method('remote', 'anything', (sender, first: string, second: number) => first.repeat(second + sender))
  untyped.rpc('anything', 1, 'x', null)
  untyped.property('remote', 'x', (_, value: Vector2) => value.x).rset('x', 5)
}

function compiledServer (server: WebSocketServer): void {
  const { multiplayer } = server
  // Declared in place, the kinds need no `as const`.
  multiplayer.node('/root/Chat', { say: [String], topic: String }).method('remote', 'say', (_, text) => text.trim())
    .rset('topic', 'games')
  multiplayer.node<MainMembers>('/root/Main').rpc('reset')
  multiplayer.node<MainMembers>('/root/Main', ['join', 'steer'])
    .method('any_peer call_local', 'join', (_, name) => name.trim())
  multiplayer.on('network_peer_packet', (id, bytes) => bytes[id])
  // @ts-expect-error no such signal
  multiplayer.on('peer_packets', () => {})
  // @ts-expect-error not a kind
  multiplayer.node('/root/Main', { join: ['String'] })
  // @ts-expect-error a class that is no Variant
  multiplayer.node('/root/Main', { join: [Date] })
  // @ts-expect-error a misspelt signal
  server.on('peer_conected', () => {})
  // @ts-expect-error what is no Variant
  server.putVar(() => {})
}

function compiledOptions (): void {
  serverOptions({ gdMpApi: true, onHandshake: () => {}, authenticate: () => ({ data: 5 }) })
  serverOptions({ onHandshake: async ({ token }) => token !== undefined, authenticate: async () => false })
  serverOptions({ onHandshake: () => ({ status: 403 }), authenticate: () => ({ status: 403, reason: 'no' }) })
  serverOptions({ onHandshake: () => ({ data: 5, room: 'a' }), authenticate: () => null })
  // @ts-expect-error of another type
  serverOptions({ gdMpApi: 'yes' })
  // @ts-expect-error misspelt
  serverOptions({ gdMpAp: true })
  // @ts-expect-error neither an acceptance nor a refusal
  serverOptions({ onHandshake: () => 5 })
  // @ts-expect-error no answer of authenticate
  serverOptions({ authenticate: () => 'yes' })
}

function compiledSpawner ({ multiplayer }: WebSocketServer): void {
  const spawner = multiplayer.spawner('/root/Main/Spawner')
  const node = spawner.spawn('Ball', { scene: 0 }, {
    position: {
      kind: Vector2
    },
    health: { kind: int, mode: 'on_change' }
  }, { position: new Vector2(), health: 1 })
  node.set('position', new Vector2(node.get('health'), 0))
  same<Same<ReturnType<typeof node.get<'position'>>, Vector2>>()
  // @ts-expect-error a value of another kind
  node.set('health', 'well')
  // @ts-expect-error no such property
  node.get('speed')
  // @ts-expect-error a value is missing
  spawner.spawn('Ball', { scene: 0 }, { position: { kind: Vector2 } }, {})
  // @ts-expect-error no such mode
  spawner.spawn('Ball', { scene: 0 }, { position: { kind: Vector2, mode: 'sometimes' } }, { position: new Vector2() })
  // @ts-expect-error all values are missing
  spawner.spawn('Ball', { scene: 0 }, { position: { kind: Vector2 } })
  spawner.spawn('Rock', { custom: new Map([['size', 3]]) })
  spawner.spawn('Rock', { scene: 0 }, {}, {}, { publicVisibility: false, visibility: id => id > 2 })
}

function compiledSynchronizer ({ multiplayer }: WebSocketServer): void {
  const input = multiplayer.synchronizer('/root/Main/Input', { aim: { kind: Vector2 } }, { authority: 7 })
  input.on('changed', ({ aim }, sender) => aim?.x ?? sender)
  same<Same<ReturnType<typeof input.get<'aim'>>, Vector2 | undefined>>()
  multiplayer.synchronizer('/root/Main/State', { time: { kind: float } }, { values: { time: 0 } }).set('time', 1)
  // @ts-expect-error the server has to have values
  multiplayer.synchronizer('/root/Main/State', { time: { kind: float } }, {})
  // @ts-expect-error no such signal
  input.on('change', () => {})
  const node = multiplayer.node('/root/Main', { list: [arrayOf(int)], map: [dictionaryOf(String, Vector2)] })
  node.method('any_peer', 'list', (_, list) => list[0] + 1)
  node.rpc('map', { a: new Vector2() })
  // @ts-expect-error an element of another type
  node.rpc('list', ['x'])
}

/** What a node takes that was declared with classes of bytes and numbers: any of them, whatever memory they are in. */
function compiledBytes ({ multiplayer }: WebSocketServer, peer: WebSocketPeer): void {
  const node = multiplayer.node('/root/Main', {
    bytes: [Uint8Array],
    ints: [Int32Array],
    floats: [Float32Array],
    reals: [Float64Array],
    longs: [BigInt64Array],
    image: Uint8Array
  })
  node.method('any_peer', 'bytes', (_, bytes) => { same<Same<typeof bytes, Uint8Array>>() })
  multiplayer.on('network_peer_packet', (_, bytes) => {
    node.rpc('bytes', bytes)
    node.rset('image', bytes)
  })
  node.rpc('bytes', peer.getPacket())
  node.rpc('bytes', Buffer.from('x'))
  node.rpc('ints', new Int32Array() as Int32Array)
  node.rpc('floats', new Float32Array() as Float32Array)
  node.rpc('reals', new Float64Array() as Float64Array)
  node.rpc('longs', new BigInt64Array() as BigInt64Array)
  // @ts-expect-error other numbers
  node.rpc('bytes', new Int32Array())
}

/** A plain object stands for a dictionary whose keys may be strings. */
function compiledDictionaries ({ multiplayer }: WebSocketServer): void {
  const node = multiplayer.node('/root/Main', {
    names: [dictionaryOf(int, String)],
    places: [dictionaryOf(String, Vector2)],
    byName: [dictionaryOf(StringName, int)],
    nested: [dictionaryOf(String, Map)],
    any: [dictionaryOf(variant, variant)],
    map: [Map]
  })
  node.rpc('names', new Map([[7, 'Ann']]))
  node.rpc('places', { a: new Vector2() })
  node.rpc('places', new Map([['a', new Vector2()]]))
  node.rpc('byName', { a: 1 })
  node.rpc('nested', { a: { b: 1 } })
  node.rpc('any', { a: 'x' })
  node.rpc('map', { a: 'x' })
  // @ts-expect-error keys of a plain object are strings
  node.rpc('names', { 7: 'Ann' })
  // @ts-expect-error a value of another type
  node.rpc('places', { a: 'text' })
  multiplayer.node<{ scores (of: ReadonlyMap<'a' | 'b', number>): void }>('/root/Scores').rpc('scores', { a: 1 })
}

async function compiledClient (client: PeerServerClient): Promise<void> {
  await client.call('getServer')
  await client.call('getServer', {}, undefined, { timeout: 5 })
  await client.call('peers')
  await client.call('ban', {}, { address: '192.0.2.7', seconds: 3600, reason: 'spam' })
  // @ts-expect-error members of the body are not parameters
  await client.call('ban', { seconds: 3600, reason: 'spam' }, { address: '192.0.2.7' })
  // @ts-expect-error this one has no parameters
  await client.call('getServer', { scope: 'local' })
  // @ts-expect-error a parameter of another operation
  await client.call('peers', { ids: '7' })
  // @ts-expect-error events have a method of their own
  await client.call('events', { types: 'stats' })
}

const onHandshake: OnHandshake = ({ query }) => {
  same<Same<typeof query.name, string | undefined>>()
  // @ts-expect-error a client may leave the parameter out
  return query.name.length > 0
}

function compiledChanges (server: WebSocketServer): void {
  server.change({ maxPeers: 5, allowedOrigins: undefined, rooms: { maxRooms: undefined } })
  // @ts-expect-error rooms cannot be turned on or off
  server.change({ rooms: true })
  // @ts-expect-error a fixed option
  server.change({ path: '/ws2' })
  server.monitor.events.on('limited', (limit, { peer, address }) => {
    same<Same<typeof peer, number | undefined>>()
    same<Same<typeof address, string | undefined>>()
  })
}

function compiledHook (app: FastifyInstance): void {
  app.addHook('onResponse', async ({ adminName }) => {
    same<Same<typeof adminName, string | null | undefined>>()
  })
}

function compiledEvent (event: ClientEvent): void {
  if (event.type === 'peer_connected') same<Same<typeof event.node, string | undefined>>()
  if (event.type === 'node_joined') same<Same<typeof event.node, string>>()
}

const guard: Authenticate = async (peer, data) => data.length > peer.id
// @ts-expect-error not an answer
const noGuard: Authenticate = () => 'yes'

t.test('remote members of a game are typed', async t => {
  same<Same<MembersOf<typeof main>['steer'], (args_0: Vector2, args_1: number) => void>>()
  same<Same<MembersOf<typeof main>['title'], string>>()
  t.doesNotThrow(() => new WebSocketServer().multiplayer.node('/root/Main', main))
  t.type(compiled, 'function')
  t.type(compiledServer, 'function')
  t.type(compiledOptions, 'function')
  t.type(compiledSynchronizer, 'function')
  t.type(compiledSpawner, 'function')
  t.type(compiledEvent, 'function')
  t.type(compiledChanges, 'function')
  t.type(compiledHook, 'function')
  t.type(compiledBytes, 'function')
  t.type(compiledDictionaries, 'function')
  t.type(compiledClient, 'function')
  t.type(onHandshake, 'function')
  t.notSame(guard, noGuard)
})
