import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { opcode } from '../../src/protocol/websocket/frame.ts'
import { FrameClient } from './frame-client.ts'
import { bytesOf, hexOf } from './variant-vectors.ts'

/** Makes a server that needs no socket: it listens to what tests hand to it. */
export const memoryMount = { mount: { port: 0, tls: false } }

/** A client that knows its id, and speaks in hex. */
export class MemoryClient extends FrameClient {
  readonly id: number

  /** Joins the server, which must listen and poll by itself. */
  constructor (server: WebSocketServer) {
    const before = new Set([...server.peers()].map(({ id }) => id))
    super(server)
    this.id = [...server.peers()].map(({ id }) => id).find(id => !before.has(id)) as number
  }

  /** Sends a multiplayer data packet with this payload; spaces do not count. */
  sendTo (target: number, payload: string): void {
    this.binary(Buffer.concat([header(this.id, target), bytesOf(payload.replaceAll(' ', ''))]))
  }

  /** The messages that came since the last call. */
  async messages (): Promise<string[]> {
    const frames = await this.frames()
    return frames.filter(({ opcode: code }) => code === opcode.TEXT || code === opcode.BINARY)
      .map(({ payload }) => hexOf(payload))
  }
}

/** The head of a multiplayer data packet. */
export function header (source: number, target: number): Buffer {
  const bytes = Buffer.alloc(9)
  bytes.writeInt32LE(source, 1)
  bytes.writeInt32LE(target, 5)
  return bytes
}
