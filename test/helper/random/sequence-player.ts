import { once } from 'node:events'
import { WebSocket } from 'ws'
import { relayType } from '../../../src/protocol/multiplayer/relay-packet.ts'
import { header } from '../memory/memory-client.ts'

/**
 * A Godot 3 client that numbers what it sends to all, and checks what it hears of each other client: packets come once
 * and in order, and none is missing unless the other has left and joined in between.
 */
export class SequencePlayer {
  readonly socket: WebSocket
  id = 0
  /** Peers that it sees. */
  readonly peers = new Set<number>()
  /** How often each peer has left. */
  readonly left = new Map<number, number>()
  readonly faults: string[] = []
  /** Packets received. */
  heard = 0
  /** Packets that are missing, and accounted for. */
  missed = 0
  closed: [code: number, reason: string] | undefined
  readonly #last = new Map<number, number>()
  /** Peers that have left or joined since their last packet. */
  readonly #interrupted = new Set<number>()
  #sent = 0

  constructor (url: string) {
    this.socket = new WebSocket(url, { perMessageDeflate: false })
    this.socket.on('message', (data: Buffer) => { this.#receive(data) })
    this.socket.on('close', (code, reason) => { this.closed = [code, reason.toString()] })
    this.socket.on('error', () => {})
  }

  /** Resolves when it has joined. */
  async joined (): Promise<this> {
    if (this.id === 0) await once(this.socket, 'message')
    return this
  }

  /** Sends its next packet to all. */
  send (): void {
    const number = Buffer.alloc(4)
    number.writeUInt32LE(++this.#sent)
    this.socket.send(Buffer.concat([header(this.id, 0), number]))
  }

  /** Number of its last packet. */
  get sent (): number {
    return this.#sent
  }

  /** Number of the last packet that it has heard of a peer. */
  lastOf (id: number): number {
    return this.#last.get(id) ?? 0
  }

  #receive (data: Buffer): void {
    const [type, source] = [data[0], data.readInt32LE(1)]
    if (type === relayType.DATA) return this.#count(source, data.readUInt32LE(9))
    const subject = data.readInt32LE(9)
    if (type === relayType.ID) this.id = subject
    else if (type === relayType.ADD) this.#add(subject)
    else this.#delete(subject)
  }

  #add (id: number): void {
    if (this.peers.has(id)) this.faults.push(`${id} joined twice`)
    this.peers.add(id)
    this.#interrupted.add(id)
  }

  #delete (id: number): void {
    if (!this.peers.delete(id)) this.faults.push(`${id} left twice`)
    this.left.set(id, (this.left.get(id) ?? 0) + 1)
  }

  #count (source: number, number: number): void {
    this.heard++
    const last = this.lastOf(source)
    if (!this.peers.has(source)) this.faults.push(`${number} of ${source}, who is not there`)
    if (number <= last) this.faults.push(`${number} of ${source} after ${last}`)
    else if (last > 0 && number > last + 1) {
      if (!this.#interrupted.has(source)) this.faults.push(`${source} is missing ${last + 1} to ${number - 1}`)
      this.missed += number - last - 1
    }
    this.#interrupted.delete(source)
    this.#last.set(source, number)
  }
}
