import type { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import { opcode } from '../../../src/protocol/websocket/frame.ts'
import { FrameClient } from './frame-client.ts'
import { bytesOf, hexOf } from '../random/variant-vectors.ts'

/** Argument of WebSocketServer for a server without sockets, to which tests pass connections. */
export const memoryMount = { mount: { port: 0, tls: false } }

/** A client in multiplayer mode, with payloads in hex. */
export class MemoryClient extends FrameClient {
  readonly id: number

  /** Joins the server, which must be listening with autoPoll. */
  constructor (server: WebSocketServer) {
    const before = new Set([...server.peers()].map(({ id }) => id))
    super(server)
    this.id = [...server.peers()].map(({ id }) => id).find(id => !before.has(id)) as number
  }

  /** Sends a multiplayer data packet with this payload in hex; spaces are ignored. */
  sendTo (target: number, payload: string): void {
    this.binary(Buffer.concat([header(this.id, target), bytesOf(payload.replaceAll(' ', ''))]))
  }

  /** The messages received since the last call, in hex. */
  async messages (): Promise<string[]> {
    const frames = await this.frames()
    return frames.filter(({ opcode: code }) => code === opcode.TEXT || code === opcode.BINARY)
      .map(({ payload }) => hexOf(payload))
  }
}

/** The header of a multiplayer data packet. */
export function header (source: number, target: number): Buffer {
  const bytes = Buffer.alloc(9)
  bytes.writeInt32LE(source, 1)
  bytes.writeInt32LE(target, 5)
  return bytes
}
