import { once } from 'node:events'
import type { Test } from 'tap'
import { WebSocket, type ClientOptions } from 'ws'
import { encodeRelayPacket, RELAY_HEAD } from '../../../src/protocol/multiplayer/relay-packet.ts'
import { encodeRpcPacket } from '../../../src/protocol/multiplayer/rpc-packet.ts'
import type { Variant } from '../../../src/protocol/variant/variant-types.ts'
import { variant3 } from '../../../src/protocol/variant/variant.ts'
import { decodeWholeRpcPacket } from '../godot/rpc-packets.ts'
import { withTimeout } from '../with-timeout.ts'

const names = ['data', 'add', 'del', 'id']

/** What a packet holds, in words. */
type Describe = (payload: Buffer) => string

/** Describes remote calls and sets of properties: `scores [[7,["Ann",3]]]`. */
export const asCall: Describe = payload => {
  const packet = decodeWholeRpcPacket(payload)
  if (packet.type === 'remoteCall') return `${packet.name} ${JSON.stringify(packet.args)}`
  if (packet.type !== 'remoteSet') return packet.type
  const { name, value } = packet
  return `${name} ${JSON.stringify(value instanceof Map ? [...value] : value)}`
}

/** A Godot 3 client with a real socket: describes what it receives in words. */
export class RelaySocket {
  /** What was received: `id 5`, `add 7`, `del 7`, `7: text`, `close 1012`. */
  readonly heard: string[] = []
  id = 0
  readonly #socket: WebSocket
  readonly #describePacket: Describe
  readonly #waiting = new Set<() => void>()

  private constructor (socket: WebSocket, describePacket: Describe) {
    this.#socket = socket
    this.#describePacket = describePacket
    socket.on('message', (bytes: Buffer) => { this.#add(this.#describe(bytes)) })
    socket.on('close', code => { this.#add(`close ${code}`) })
  }

  /** Resolves when the client knows the server; rejects when it is refused. The test ends it. */
  static async connect (
    t: Test, url: string, options: ClientOptions = {}, describePacket: Describe = payload => payload.toString()
  ): Promise<RelaySocket> {
    const socket = new WebSocket(url, options)
    t.teardown(() => { socket.terminate() })
    const client = new RelaySocket(socket, describePacket)
    await withTimeout(() => `a handshake at ${url}`, once(socket, 'open'))
    await client.until('add 1')
    return client
  }

  /** Sends a packet to a target: 0 all, an id, -id all but that one. */
  sendTo (target: number, text: string | Uint8Array): void {
    this.#socket.send(encodeRelayPacket(0, this.id, target, Buffer.from(text)))
  }

  /** Calls a method of the server's node /root/Main, as Godot does the first time. */
  call (name: string, ...args: Variant[]): void {
    this.sendTo(1, encodeRpcPacket(variant3, { type: 'remoteCall', node: 'Main', name, args }))
  }

  /** Resolves once this was heard, as the `from`th line or later; which one. */
  async until (
    line: string | RegExp | ((heard: string) => boolean), { from = 0 } = {}
  ): Promise<string> {
    const isLine = (heard: string): boolean => {
      if (typeof line === 'string') return heard === line
      return typeof line === 'function' ? line(heard) : line.test(heard)
    }
    const found = new Promise<string>(resolve => {
      const look = (): void => {
        const found = this.heard.slice(from).find(isLine)
        if (found === undefined) return
        this.#waiting.delete(look)
        resolve(found)
      }
      this.#waiting.add(look)
      look()
    })
    return await withTimeout(() => `${line}, only: ${this.heard.slice(from).join(', ')}`, found)
  }

  #add (line: string): void {
    this.heard.push(line)
    for (const look of [...this.#waiting]) look()
  }

  #describe (bytes: Buffer): string {
    const [type, source] = [bytes[0], bytes.readInt32LE(1)]
    if (type === 0) return `${source}: ${this.#describePacket(bytes.subarray(RELAY_HEAD))}`
    const subject = bytes.readInt32LE(9)
    if (type === 3) this.id = subject
    return `${names[type]} ${subject}`
  }
}
