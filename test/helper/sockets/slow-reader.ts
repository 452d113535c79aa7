import type { RawSocket } from './raw-socket.ts'
import { frameSize, parseFrame } from './raw-frame.ts'

const TICK = 20

/** Reads frames from a socket at a limited speed, as a client on a slow line does. */
export class SlowReader {
  /** Payloads of the data frames read so far. */
  readonly messages: Buffer[] = []
  /** Code of the close frame, if one came. */
  closeCode: number | undefined
  #unread = Buffer.alloc(0)
  #budget = 0
  readonly #timer: NodeJS.Timeout

  /** `bytesPerSecond`: how fast it reads; 0 for not at all. */
  constructor ({ socket }: RawSocket, bytesPerSecond: number) {
    socket.removeAllListeners('data')
    socket.pause()
    socket.on('data', chunk => {
      this.#budget -= chunk.length
      if (this.#budget <= 0) socket.pause()
      this.#unread = Buffer.concat([this.#unread, chunk])
      this.#parse()
    })
    let last = performance.now()
    this.#timer = setInterval(() => {
      const now = performance.now()
      this.#budget += bytesPerSecond * (now - last) / 1000
      last = now
      if (this.#budget > 0) socket.resume()
    }, TICK)
    socket.on('close', () => { clearInterval(this.#timer) })
  }

  #parse (): void {
    for (let length = frameSize(this.#unread); length !== undefined; length = frameSize(this.#unread)) {
      const { opcode, payload } = parseFrame(this.#unread.subarray(0, length))
      if (opcode === 8) this.closeCode = payload.readUInt16BE(0)
      else if (opcode < 3) this.messages.push(payload)
      this.#unread = this.#unread.subarray(length)
    }
  }
}
