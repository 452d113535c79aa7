import type { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import { opcode } from '../../../src/protocol/websocket/frame.ts'
import { FrameClient } from '../memory/frame-client.ts'
import { Godot4Client } from './godot4-client.ts'

/** A Godot 4 client without a socket. */
export class Godot4Player {
  readonly game: Godot4Client
  /** Code of the received close frame. */
  closedWith: number | undefined
  /** Number of received frames. */
  received = 0
  readonly #frames: FrameClient

  constructor (server: WebSocketServer, prepare: (game: Godot4Client) => void = () => {}) {
    this.#frames = new FrameClient(server)
    this.game = new Godot4Client({
      send: message => { this.#frames.binary(message) },
      close: code => { this.#frames.close(code) }
    })
    prepare(this.game)
  }

  leave (): void {
    this.#frames.connection.disconnect()
  }

  /**
   * Processes received frames as Godot does once a frame of the game: packets are handed to the game if the peer is
   * still open after all of them. Returns whether there were any.
   */
  async pump (): Promise<boolean> {
    const frames = await this.#frames.poll()
    const packets: Buffer[] = []
    for (const { opcode: code, payload } of frames) {
      if (code === opcode.PING) this.#frames.send(opcode.PONG, payload)
      else if (code === opcode.CLOSE) this.#closed(payload)
      else packets.push(payload)
    }
    if (this.closedWith === undefined) for (const packet of packets) this.game.receive(packet)
    this.received += frames.length
    return frames.length > 0
  }

  #closed (payload: Buffer): void {
    this.closedWith = payload.readUInt16BE(0)
    this.#frames.send(opcode.CLOSE, payload)
    this.game.connectionLost()
  }
}

/** Lets all players process frames until none arrive. */
export async function pumpUntilIdle (players: readonly Godot4Player[]): Promise<void> {
  let quiet = 0
  while (quiet < 2) {
    const busy = await Promise.all(players.map(async player => await player.pump()))
    quiet = busy.includes(true) ? 0 : quiet + 1
  }
}
