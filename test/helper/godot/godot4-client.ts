import { createHash } from 'node:crypto'
import { readRpcArgument, writeRpcArgument } from '../../../src/protocol/multiplayer/rpc4-argument.ts'
import type { Variant } from '../../../src/protocol/variant/variant-types.ts'
import { variant4 } from '../../../src/protocol/variant/variant4.ts'
import { Godot4Scene, PATH_BASED } from './godot4-scene.ts'
import type { Spawner4 } from './godot4-scene.ts'
import { Godot4Spawns } from './godot4-spawns.ts'
import type { Spawn4 } from './godot4-spawns.ts'

/** A method with `@rpc`: who may call it, and how many arguments it has, `optional` ones left out. */
export interface Rpc4Method {
  readonly args: number
  readonly optional?: number
  readonly mode?: 'authority' | 'any_peer'
  readonly callLocal?: boolean
}

/** A node with a script. */
export interface Script4 { readonly [method: string]: Rpc4Method }

/** The `@rpc` functions of a script in GDScript. */
export function scriptOf (source: string): Script4 {
  const functions = source.matchAll(/^@rpc(\("(\w+)"\))? func (\w+)\((.*?)\)/gm)
  return Object.fromEntries([...functions].map(([, , mode = 'authority', name, parameters]) =>
    [name, { mode: mode as 'authority', args: parameters === '' ? 0 : parameters.split(',').length }]))
}

/** The connection of a client. */
export interface ClientConnection { send (message: Buffer): void, close (code: number): void }

/**
 * An event as in the recorded files: a signal such as `api.peer_connected`, or a method with sender, node and values.
 */
export type ClientEvent4 = unknown[]

/** A node of the scene. */
export interface Node4 { readonly script: Script4, readonly names: string[], readonly md5: string, authority: number }
/** A path of this client: its id, and the peers it was announced to and confirmed by. */
interface Path4 { readonly id: number, readonly announced: Set<number>, readonly confirmed: Set<number> }

const [CALL, SIMPLIFY, CONFIRM, RAW, SPAWN, DESPAWN, SYNC, SYS] = [0, 1, 2, 3, 4, 5, 6, 7]
const [AUTH, ADD, RELAY] = [0, 1, 3]
const MAX_MESSAGE = 65535

const i32 = (value: number): Buffer => {
  const bytes = Buffer.alloc(4)
  bytes.writeInt32LE(value | 0)
  return bytes
}

/**
 * A simulated Godot 4 game: SceneMultiplayer over WebSocketMultiplayerPeer as recorded, on any connection. Errors that
 * a real game would print are collected in `refusals`; a correct server causes none.
 */
export class Godot4Client {
  readonly events: ClientEvent4[] = []
  readonly refusals: string[] = []
  /** The connected peers, in order. */
  readonly peers = new Set<number>()
  id = 0
  isClosed = false
  /** `SceneMultiplayer.server_relay`. */
  relay = true
  /** `SceneMultiplayer.auth_callback`: receives data of the server. */
  onAuth: ((data: Buffer) => void) | undefined
  readonly #connection: ClientConnection
  readonly #nodes = new Map<string, Node4>()
  readonly #paths = new Map<string, Path4>()
  #lastPath = 0
  /** Spawners and synchronizers. */
  readonly #scene = new Godot4Scene({
    events: this.events,
    nodes: this.#nodes,
    announced: (sender, id) => this.#announcedPaths.get(sender)?.get(id),
    add: (path, script, authority) => {
      this.addNode(path, script)
      this.setAuthority(path, authority)
    },
    remove: path => {
      this.#nodes.delete(path)
      this.#paths.delete(path)
    },
    refuse: why => { this.#refuse(why) }
  })

  /** What this client spawns. */
  readonly #spawns = new Godot4Spawns({
    peers: this.peers,
    announce: (peer, path) => {
      const own = this.#ownPath(path)
      if (!own.announced.has(peer)) this.#announce(peer, own, path, this.#nodes.get(path)!.md5)
      return own.id
    },
    send: (peer, packet) => { this.#send(peer, packet) }
  })

  #syncTime = 0
  /** Paths that others announced, by sender and id. */
  readonly #announcedPaths = new Map<number, Map<number, string>>()
  #hasSentAuth = false
  #hasReceivedAuth = false

  constructor (connection: ClientConnection) {
    this.#connection = connection
  }

  /** Adds a node with a path relative to the root, e.g. `Main/Pawn`. If it replaces a node, the path gets a new id. */
  addNode (path: string, script: Script4): void {
    this.#paths.delete(path)
    const names = Object.keys(script).sort((one, other) => Buffer.compare(Buffer.from(one), Buffer.from(other)))
    const md5 = createHash('md5').update(names.join('')).digest('hex')
    this.#nodes.set(path, { script, names, md5, authority: 1 })
  }

  setAuthority (path: string, id: number): void {
    this.#nodes.get(path)!.authority = id
  }

  /** Adds a MultiplayerSpawner, whose nodes have other nodes below them (`scene`). */
  addSpawner (path: string, spawner: Spawner4 = {}): void {
    this.addNode(path, spawner.script ?? {})
    this.#scene.addSpawner(path, spawner)
  }

  /** Paths of all nodes. */
  get nodes (): string[] {
    return [...this.#nodes.keys()]
  }

  // ---- actions of the game ----

  /**
   * One tick of a MultiplayerSynchronizer of this client: values for every peer that has confirmed its path; with
   * `changed` those of properties that changed. `visibleTo`: who may see them.
   */
  sync (path: string, values: Variant[], changed?: bigint, visibleTo: Iterable<number> = this.peers): void {
    const node = this.#nodes.get(path)!
    const own = this.#ownPath(path)
    const body = encodeArguments(values)
    this.#syncTime++
    for (const peer of visibleTo) {
      if (!own.announced.has(peer)) this.#announce(peer, own, path, node.md5)
      if (own.confirmed.has(peer)) this.#send(peer, syncOf(this.#syncTime, PATH_BASED + own.id, body, changed))
    }
  }

  /** Spawns a node by a spawner of which this client is the authority, for all peers now and later. */
  spawn (spawner: string, spawn: Spawn4): void {
    if (this.#nodes.get(spawner)?.authority !== this.id) return this.#refuse('not the authority of the spawner')
    this.#spawns.spawn(spawner, spawn)
  }

  /** One tick of the synchronizer of a node that this client has spawned, as `sync`. */
  syncSpawned (name: string, values: Variant[], changed?: bigint): void {
    this.#spawns.sync(name, ++this.#syncTime, values, changed)
  }

  /** Frees a node that this client has spawned. */
  despawn (name: string): void {
    this.#spawns.despawn(name)
  }

  /** Sends any packet. */
  sendPacket (packet: Uint8Array, to = 1): void {
    this.#send(to, Buffer.from(packet))
  }

  sendBytes (bytes: Uint8Array, to = 0): void {
    if (bytes.length === 0) return this.#refuse('empty packets are refused')
    if (!this.peers.has(1)) return this.#refuse('target is not an admitted peer')
    this.#send(to, Buffer.concat([Buffer.of(RAW), bytes]))
  }

  sendAuth (data: Uint8Array): void {
    this.#connection.send(Buffer.concat([Buffer.of(SYS, AUTH), data]))
  }

  completeAuth (): void {
    this.#connection.send(Buffer.of(SYS, AUTH))
    this.#hasSentAuth = true
    this.#admitServer()
  }

  /** `rpc_id`: one packet to each receiver. */
  rpc (path: string, name: string, args: Variant[], to = 0): void {
    const node = this.#nodes.get(path)
    const method = node?.names.indexOf(name) ?? -1
    if (node === undefined || method < 0) return this.#refuse('not an RPC method here')
    const { callLocal = false } = node.script[name]
    const includesMe = to === 0 || to === this.id || (to < 0 && to !== -this.id)
    if (to === this.id && !callLocal) return this.#refuse('calling itself needs call_local')
    if (to !== 0 && Math.abs(to) !== this.id && !this.peers.has(Math.abs(to))) return this.#refuse('unknown target')
    const receivers = [...this.peers].filter(id => to > 0 ? id === to : id !== -to)
    this.#call(receivers, path, node, method, args)
    if (callLocal && includesMe) this.events.push([name, this.id, path.split('/').pop(), args])
  }

  // ---- incoming messages ----

  /** Handles a message of the server. */
  receive (message: Buffer): void {
    if (this.isClosed) return
    if (message.length > MAX_MESSAGE) return this.#fail(1009, 'message exceeds 65535 bytes')
    if (this.id === 0) return this.#receiveId(message)
    if (message.length === 0) return this.#refuse('empty message')
    if (this.onAuth !== undefined && !this.peers.has(1)) return this.#receiveAuth(message)
    this.#receivePacket(1, message)
  }

  /** Handles the end of the connection. */
  connectionLost (): void {
    if (this.isClosed) return
    this.isClosed = true
    if (this.peers.has(1)) this.events.push(['api.peer_disconnected', 1])
    this.events.push(['api.server_disconnected'])
  }

  #receiveId (message: Buffer): void {
    const id = message.length === 4 ? message.readInt32LE(0) : 0
    if (id < 2) return this.#fail(1000, 'not a valid id message')
    this.id = id
    if (this.onAuth === undefined) this.#joinServer()
    else this.events.push(['api.peer_authenticating', 1])
  }

  #receiveAuth (message: Buffer): void {
    if ((message[0] & 7) !== SYS || message[1] !== AUTH) return this.#refuse('out of place in this phase')
    if (message.length > 2) return this.onAuth!(message.subarray(2))
    this.#hasReceivedAuth = true
    this.#admitServer()
  }

  #admitServer (): void {
    if (this.#hasSentAuth && this.#hasReceivedAuth) this.#joinServer()
  }

  #joinServer (): void {
    this.peers.add(1)
    this.#spawns.joined(1)
    this.events.push(['api.connected_to_server'], ['api.peer_connected', 1])
  }

  #receivePacket (sender: number, packet: Buffer): void {
    const what = packet[0] & 7
    if (what === SYS && sender === 1) return this.#receiveSys(packet)
    if (what === SYS) return this.#refuse('command not allowed here')
    if (!this.peers.has(1)) return this.#refuse('sender is not an admitted peer')
    if (what === CALL) return this.#receiveCall(sender, packet)
    if (what === SIMPLIFY) return this.#receivePath(sender, packet)
    if (what === CONFIRM) return this.#receiveConfirmation(sender, packet)
    if (what === RAW && packet.length < 2) return this.#refuse('wrong packet length')
    if (what === SPAWN) return this.#scene.receiveSpawn(sender, packet)
    if (what === DESPAWN) return this.#scene.receiveDespawn(sender, packet)
    if (what === SYNC) return this.#scene.receiveSync(sender, packet)
    if (what === RAW) this.events.push(['api.peer_packet', sender, packet.subarray(1)])
  }

  #receiveSys (packet: Buffer): void {
    if (packet.length < 2) return this.#refuse('wrong packet length')
    if (packet[1] === AUTH) return
    if (packet[1] > RELAY) return this.#refuse('unknown SYS command')
    if (packet.length < 6) return this.#refuse('wrong packet length')
    if (!this.peers.has(1)) return this.#refuse('sender is not an admitted peer')
    const id = packet.readInt32LE(2)
    if (packet[1] === RELAY) return this.#receiveRelay(id, packet.subarray(6))
    if (!this.relay) return this.#refuse('ADD_PEER and DEL_PEER are for clients with relay on only')
    if (packet[1] === ADD) this.#add(id)
    else this.#delete(id)
  }

  /** A real client accepts invalid ids; here they are reported as errors of the server. */
  #add (id: number): void {
    if (id < 2 || id === this.id || this.peers.has(id)) this.#refuse(`ADD_PEER of ${id}`)
    this.peers.add(id)
    this.#spawns.joined(id)
    this.events.push(['api.peer_connected', id])
  }

  #delete (id: number): void {
    if (id === 1 || !this.peers.has(id)) this.#refuse(`DEL_PEER of ${id}`)
    if (!this.peers.delete(id)) return
    this.#scene.left(id)
    this.events.push(['api.peer_disconnected', id])
    this.#announcedPaths.delete(id)
    for (const { announced, confirmed } of this.#paths.values()) {
      announced.delete(id)
      confirmed.delete(id)
    }
  }

  #receiveRelay (source: number, packet: Buffer): void {
    if (!this.relay) return this.#refuse('relay is off')
    if (packet.length === 0) return this.#refuse('relay without content')
    if (!this.peers.has(source) && source !== this.id) this.#refuse(`RELAY of ${source}`)
    if ((packet[0] & 7) === SYS) return this.#refuse('command not allowed here')
    this.#receivePacket(source, packet)
  }

  #receivePath (sender: number, packet: Buffer): void {
    if (packet.length < 38) return this.#refuse('wrong packet length')
    if (!this.peers.has(sender)) return this.#refuse('sender is not an admitted peer')
    const md5 = packet.subarray(1, 33).toString('latin1')
    const id = packet.readUInt32LE(34)
    const path = fromRoot(textAt(packet, 38))
    const known = this.#announcedPaths.get(sender) ?? new Map<number, string>()
    if (known.has(id)) return this.#refuse('path id announced twice')
    const node = this.#nodes.get(path)
    if (node === undefined) return this.#refuse('announced path has no node')
    this.#announcedPaths.set(sender, known.set(id, path))
    if (node.md5 !== md5) this.#refuse('method lists differ')
    this.#send(sender, Buffer.concat([Buffer.of(CONFIRM, Number(node.md5 === md5)), i32(id)]))
  }

  #receiveConfirmation (sender: number, packet: Buffer): void {
    if (packet.length !== 6) return this.#refuse('wrong packet length')
    const own = [...this.#paths.values()].find(({ id }) => id === packet.readUInt32LE(2))
    if (own === undefined) return
    if (packet[1] === 0) this.#refuse('method lists differ')
    if (own.announced.has(sender)) own.confirmed.add(sender)
  }

  #receiveCall (sender: number, packet: Buffer): void {
    const size = packet[0] >> 4 & 3
    const [nodeSize, methodSize] = [[1, 2, 4, 0][size], packet[0] & 0x40 ? 2 : 1]
    if (nodeSize === 0) return this.#refuse('unknown form of the node id')
    if (packet.length < 1 + nodeSize + methodSize) return this.#refuse('wrong packet length')
    const number = packet.readUIntLE(1, nodeSize)
    const isPath = number >= 0x80000000
    const end = isPath ? number - 0x80000000 : packet.length
    if (end > packet.length) return this.#refuse('path offset past the end')
    const path = isPath ? fromRoot(textAt(packet, end)) : this.#announcedPaths.get(sender)?.get(number)
    if (path === undefined) return this.#refuse('path id not announced by this sender')
    this.#run(sender, path, packet.readUIntLE(1 + nodeSize, methodSize), packet, 1 + nodeSize + methodSize, end)
  }

  #run (sender: number, path: string, method: number, packet: Buffer, from: number, end: number): void {
    const node = this.#nodes.get(path)
    if (node === undefined) return this.#refuse('no node for the call')
    const name = node.names[method]
    if (name === undefined) return this.#refuse('unknown method id')
    const { args, optional = 0, mode = 'authority' } = node.script[name]
    if (mode === 'authority' && sender !== node.authority) {
      return this.#refuse('the mode of the method forbids the caller')
    }
    const values = this.#valuesOf(packet.subarray(from, end), (packet[0] & 0x80) !== 0)
    if (values === undefined) return
    if (values.length < args || values.length > args + optional) return this.#refuse('wrong number of arguments')
    this.events.push([name, sender, path.split('/').pop(), values])
  }

  #valuesOf (bytes: Buffer, isBare: boolean): Variant[] | undefined {
    if (isBare) return bytes.length === 0 ? [] : [Uint8Array.from(bytes)]
    try {
      return variant4.parse(reader => Array.from({ length: reader.u8() }, () => readRpcArgument(reader)), bytes, {
        exactFloats: false
      })
    } catch {
      this.#refuse('an argument does not decode')
      return undefined
    }
  }

  // ---- outgoing messages ----

  /**
   * Announces the path to peers that do not know it. Sends its id to those that confirmed it, in short form if all did.
   */
  #call (receivers: number[], path: string, { md5 }: Node4, method: number, args: Variant[]): void {
    const own = this.#ownPath(path)
    for (const id of receivers) if (!own.announced.has(id)) this.#announce(id, own, path, md5)
    const isShort = receivers.every(id => own.confirmed.has(id))
    for (const id of receivers) this.#send(id, callOf(own.confirmed.has(id) ? own.id : path, isShort, method, args))
  }

  #ownPath (path: string): Path4 {
    const own = this.#paths.get(path) ?? { id: ++this.#lastPath, announced: new Set(), confirmed: new Set() }
    this.#paths.set(path, own)
    return own
  }

  #announce (peer: number, { id, announced }: Path4, path: string, md5: string): void {
    announced.add(peer)
    this.#send(peer, Buffer.concat([Buffer.of(SIMPLIFY), Buffer.from(`${md5}\0`), i32(id), Buffer.from(`${path}\0`)]))
  }

  #send (to: number, packet: Buffer): void {
    const message = to === 1 || !this.relay ? packet : Buffer.concat([Buffer.of(SYS, RELAY), i32(to), packet])
    if (message.length > MAX_MESSAGE) this.#refuse('message too big')
    else this.#connection.send(message)
  }

  #refuse (why: string): void {
    this.refusals.push(why)
  }

  #fail (code: number, why: string): void {
    this.#refuse(why)
    this.#connection.close(code)
    this.connectionLost()
  }
}

/** Encodes a call. */
function callOf (node: string | number, isShort: boolean, method: number, args: Variant[]): Buffer {
  const size = typeof node === 'string' || !isShort || node > 0xffff ? 4 : node > 0xff ? 2 : 1
  const isBare = args.length === 0 || (args.length === 1 && args[0] instanceof Uint8Array)
  const content = args.length === 0 ? Buffer.alloc(0) : isBare ? Buffer.from(args[0] as Uint8Array) : argumentsOf(args)
  const head = Buffer.alloc(1 + size + 1)
  head[0] = CALL | [0, 0, 1, 0, 2][size] << 4 | (isBare ? 0x80 : 0)
  head[1 + size] = method
  const path = Buffer.from(typeof node === 'string' ? `${node}\0` : '')
  head.writeUIntLE(typeof node === 'string' ? 0x80000000 + head.length + content.length : node, 1, size)
  return Buffer.concat([head, content, path])
}

function argumentsOf (args: Variant[]): Buffer {
  return Buffer.from(variant4.build((writer, list: Variant[]) => {
    writer.u8(list.length)
    for (const arg of list) writeRpcArgument(writer, arg)
  }, args))
}

export function encodeArguments (args: Variant[]): Buffer {
  return Buffer.concat(args.map(arg => variant4.build(writeRpcArgument, arg)))
}

/** Encodes the values of one synchronizer. */
export function syncOf (time: number, id: number, body: Buffer, changed: bigint | undefined): Buffer {
  const head = Buffer.alloc(changed === undefined ? 11 : 17)
  head[0] = changed === undefined ? SYNC : SYNC | 0x10
  const idAt = changed === undefined ? 3 : 1
  if (changed === undefined) head.writeUInt16LE(time & 0xffff, 1)
  else head.writeBigUInt64LE(changed, 5)
  head.writeUInt32LE(id, idAt)
  head.writeUInt32LE(body.length, head.length - 4)
  return Buffer.concat([head, body])
}

export function textAt (bytes: Buffer, at: number): string {
  const nul = bytes.indexOf(0, at)
  return bytes.subarray(at, nul < 0 ? bytes.length : nul).toString()
}

function fromRoot (path: string): string {
  return path === '/root' ? '.' : path.replace(/^\/root\//, '')
}
