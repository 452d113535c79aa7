import { isUtf8 } from 'node:buffer'
import { closeCode, isCloseCode } from './close-code.ts'
import { DEFLATED, opcode } from './frame.ts'
import { LargePayload } from './large-payload.ts'
import { unmask } from './unmask.ts'

/** Receives what a FrameReader reads; the bytes belong to the reader and are valid until the call returns. */
export interface FrameReceiver {
  /**
   * One complete message: bytes[start..end), unmasked and joined. If `start` is 0, nobody else has the bytes: they are
   * the receiver's from now on.
   */
  onMessage (bytes: Uint8Array, start: number, end: number, isText: boolean): void
  /** A ping with its payload, to be answered with the same (RFC 6455 section 5.5.2). */
  onPing (bytes: Uint8Array, start: number, end: number): void
  /** A pong with its payload, bytes[start..end). */
  onPong (bytes: Uint8Array, start: number, end: number): void
  /** A frame of a fragmented message, except its last one. */
  onFragment (): void
  /** The close frame: code 1005 if it has none; `payload` is the original, for the reply. Nothing is read after it. */
  onClose (code: number, reason: string, payload: Uint8Array): void
  /** A protocol error: close with `code`. Nothing is read after it. */
  onViolation (code: number, why: string): void
}

/** Why a frame must not be read, and the close code of that. */
interface Refusal { readonly code: number, readonly why: string }

/** Inflates a message of at most `maxSize` bytes; returns a close code if it is invalid. */
export type Inflate = (bytes: Uint8Array, maxSize: number) => Uint8Array | number

const EMPTY = new Uint8Array(0)
const CONTROL = 8
const RESERVED = 0x70
const maxControlSize = 125
/** Bytes that compression may add to a message, in addition to an eighth of its size. */
const DEFLATE_OVERHEAD = 64
/** Payloads of this size that are cut short have a buffer of their own, which the receiver of the message may keep. */
const LARGE = 4096

/**
 * Reads the frames of one client from chunks of any size (RFC 6455 section 5). Unmasks in place; a complete
 * frame inside a chunk is never copied; only a broken frame or a fragmented message is. Memory is bounded by
 * twice `maxMessageSize` bytes, and grows with the received bytes, not with the announced length.
 */
export class FrameReader {
  readonly #receiver: FrameReceiver
  readonly #maxMessageSize: number
  /** Unread bytes: an incomplete frame, or the bytes after the message at which reading stopped. */
  #rest: Uint8Array = EMPTY
  #restLength = 0
  /** Start of the first frame in #rest that `lookAhead` has not examined, and whether it has found an end. */
  #ahead = 0
  #endsAhead = false
  /** Pings before #ahead: `lookAhead` has reported them, so that they are skipped when they are read. */
  #pingsAhead = 0
  /** The payload that is being received, before #rest; complete only while reading is stopped. */
  #large: LargePayload | undefined
  /** The fragments received so far of a message, joined; opcode 0 means there is none. */
  #joined: Uint8Array = EMPTY
  #joinedLength = 0
  #joinedOpcode: number = opcode.CONTINUATION
  #isDeflated = false
  readonly #inflate: Inflate | undefined
  readonly #framesAtOnce: number
  #isStopped = false
  #isOver = false

  /**
   * `inflate`: given if permessage-deflate was negotiated. `framesAtOnce`: after this many frames of one chunk reading
   * stops by itself.
   */
  constructor (
    receiver: FrameReceiver, maxMessageSize: number, inflate: Inflate | undefined = undefined, framesAtOnce = Infinity
  ) {
    this.#receiver = receiver
    this.#maxMessageSize = maxMessageSize
    this.#inflate = inflate
    this.#framesAtOnce = framesAtOnce
  }

  /** Stops after the current message; later bytes are kept until `resume`. */
  stop (): void {
    this.#isStopped = true
  }

  /** Continues where `stop` stopped; may stop again, which copies nothing. */
  resume (): void {
    this.#isStopped = false
    if (this.#large?.isComplete === true) {
      this.#finishLarge(this.#large)
      if (this.isStopped || this.#isOver) return
    }
    const rest = this.#rest
    const length = this.#restLength
    const ahead = this.#ahead
    this.#dropRest()
    const offset = this.#parse(rest, 0, length)
    if (offset === length) return
    this.#rest = rest.subarray(offset)
    this.#restLength = length - offset
    this.#ahead = Math.max(0, ahead - offset)
  }

  /** Received bytes that are not read yet. */
  get heldBytes (): number {
    return this.#restLength + (this.#large?.filled ?? 0)
  }

  /**
   * Looks through the frames that are held while reading is stopped, up to one that cannot wait: a ping, which is
   * reported now, or one that ends the connection, which is a close frame or breaks the protocol. Undefined when there
   * is none (yet).
   */
  lookAhead (): 'ping' | 'end' | undefined {
    while (!this.#endsAhead && this.#restLength - this.#ahead >= 2) {
      const at = this.#ahead
      const next = at + frameLength(this.#rest, this.#restLength, at)
      const first = this.#rest[at]
      const code = first & 15
      const isWhole = next <= this.#restLength
      this.#endsAhead = this.#headRefusal(first, this.#rest[at + 1]) !== undefined ||
        (code === opcode.CLOSE && isWhole)
      if (!isWhole || this.#endsAhead) break
      this.#ahead = next
      if (code !== opcode.PING) continue
      this.#pingAhead(this.#rest.slice(at, next))
      return 'ping'
    }
    return this.#endsAhead ? 'end' : undefined
  }

  /** Reports a held ping, of which `frame` is a copy. */
  #pingAhead (frame: Uint8Array): void {
    const start = maskedHeaderLength(frame[1])
    this.#pingsAhead++
    unmask(frame, start, frame.length)
    this.#receiver.onPing(frame, start, frame.length)
  }

  get isStopped (): boolean {
    return this.#isStopped
  }

  /** Stops reading permanently and releases all held bytes. */
  end (): void {
    this.#isOver = true
    this.#large = undefined
    this.#dropRest()
    this.#dropJoined()
  }

  /** Reads chunk[0..length), which belongs to the reader until the call returns and is overwritten. */
  read (chunk: Uint8Array, length: number = chunk.length): void {
    let offset = 0
    if (this.#restLength > 0 && !this.#isStopped) offset = this.#completeFrame(chunk, length)
    if (this.#large !== undefined) offset = this.#fillLarge(this.#large, chunk, offset, length)
    if (offset < length && !this.#isStopped && !this.#isOver) offset = this.#parse(chunk, offset, length)
    if (offset < length && !this.#isOver) this.#bufferRest(chunk, offset, length)
  }

  /** Completes the frame in #rest from the chunk and reads it; returns the number of bytes taken from the chunk. */
  #completeFrame (chunk: Uint8Array, length: number): number {
    let offset = 0
    while (offset < length) {
      const wanted = frameLength(this.#rest, this.#restLength)
      const taken = Math.min(wanted - this.#restLength, length - offset)
      this.#bufferRest(chunk, offset, offset + taken)
      offset += taken
      // Again with the new bytes: the second byte may announce a longer header, the header a payload.
      if (this.#restLength < frameLength(this.#rest, this.#restLength) && !this.#isDecided()) continue
      const frame = this.#rest
      const frameEnd = this.#restLength
      this.#dropRest()
      this.#parse(frame, 0, frameEnd)
      break
    }
    return offset
  }

  /**
   * Whether the header of the frame cut short in #rest decides about it: it is refused, or its payload gets a buffer of
   * its own.
   */
  #isDecided (): boolean {
    const size = payloadLength(this.#rest, this.#restLength) ?? 0
    const isWhole = this.#restLength >= maskedHeaderLength(this.#rest[1])
    return this.#restLength >= 2 &&
      ((isWhole && size >= LARGE) || this.#refusal(this.#rest[0], this.#rest[1], size) !== undefined)
  }

  /** Begins a payload that is cut short with bytes[start..end), what there is of it. */
  #beginLarge (first: number, size: number, bytes: Uint8Array, start: number, end: number): void {
    this.#large = new LargePayload(first, size, bytes, start)
    this.#large.fill(bytes, start, end)
  }

  /** Fills the payload from bytes[start..end), and reads it once it is complete; returns the offset after it. */
  #fillLarge (large: LargePayload, bytes: Uint8Array, start: number, end: number): number {
    const offset = large.fill(bytes, start, end)
    if (large.isComplete && !this.#isStopped) this.#finishLarge(large)
    return offset
  }

  #finishLarge ({ first, bytes, size }: LargePayload): void {
    this.#large = undefined
    const isMessage = (first === 0x82 || first === 0x81) && this.#joinedOpcode === opcode.CONTINUATION
    if (isMessage) this.#deliver(bytes, size, first === 0x81)
    else this.#frame(first, bytes, 0, size)
  }

  /** Reads the complete frames in bytes[offset..end); returns the offset of the first incomplete one. */
  #parse (bytes: Uint8Array, offset: number, end: number): number {
    let frames = 0
    while (end - offset >= 2) {
      if (frames++ === this.#framesAtOnce) {
        this.#isStopped = true
        break
      }
      const first = bytes[offset]
      const second = bytes[offset + 1]
      let size = second & 127
      let start = offset + 6
      // A head cut short counts as size 0: its frame still ends after `end`, and its first two bytes may be refused
      // already.
      if (size === 126) {
        start += 2
        size = end < start - 4 ? 0 : bytes[offset + 2] << 8 | bytes[offset + 3]
      } else if (size === 127) {
        start += 8
        size = end < start - 4 ? 0 : longLength(bytes, offset + 2)
      }
      const frameEnd = start + size
      // Fast path: a final, masked, complete binary or text frame that is not between fragments.
      if ((first === 0x82 || first === 0x81) && second >= 128 && frameEnd <= end && size <= this.#maxMessageSize &&
          this.#joinedOpcode === 0) {
        unmask(bytes, start, frameEnd)
        offset = frameEnd
        if (first === 0x81 && !isText(bytes, start, frameEnd)) {
          this.#violation(closeCode.INVALID_TEXT, 'text that is not UTF-8')
        } else this.#receiver.onMessage(bytes, start, frameEnd, first === 0x81)
      } else {
        const refusal = this.#refusal(first, second, size)
        if (refusal !== undefined) {
          this.#violation(refusal.code, refusal.why)
          return end
        }
        if (frameEnd > end) {
          if (size < LARGE || start > end) break
          this.#beginLarge(first, size, bytes, start, end)
          return end
        }
        unmask(bytes, start, frameEnd)
        offset = frameEnd
        this.#frame(first, bytes, start, frameEnd)
      }
      if (this.#isOver) return end
      if (this.#isStopped) break
    }
    return offset
  }

  /**
   * Why a frame with this head must not be read, if so (RFC 6455 sections 5.1, 5.2, 5.4, 5.5); size 0 while it is not
   * known.
   */
  #refusal (first: number, second: number, size: number): Refusal | undefined {
    const code = first & 15
    const refusal = this.#headRefusal(first, second)
    if (refusal !== undefined || code >= CONTROL) return refusal
    if (code === opcode.CONTINUATION && this.#joinedOpcode === 0) {
      return protocolError('continuation frame outside of a message')
    }
    if (code !== opcode.CONTINUATION && this.#joinedOpcode !== 0) {
      return protocolError('new message before the end of a fragmented one')
    }
    if (this.#joinedLength + size > this.#sizeLimit(first)) {
      return { code: closeCode.TOO_BIG, why: `message of more than ${this.#maxMessageSize} bytes` }
    }
    return undefined
  }

  /** The same, as far as it depends on nothing but the first two bytes of the head. */
  #headRefusal (first: number, second: number): Refusal | undefined {
    const code = first & 15
    const size = second & 127
    if ((first & RESERVED) !== 0 && !this.#mayBeDeflated(first)) return protocolError('reserved bit set')
    if (second < 128) return protocolError('unmasked frame')
    if (code > opcode.PONG || (code > opcode.BINARY && code < CONTROL)) return protocolError('reserved opcode')
    if (code < CONTROL) return undefined
    if (first < 128) return protocolError('fragmented control frame')
    if (size > maxControlSize) return protocolError('control frame of more than 125 bytes')
    if (code === opcode.CLOSE && size === 1) return protocolError('close frame with a one-byte payload')
    return undefined
  }

  /**
   * Bytes of the message of which this is a frame, at most; a compressed one may be a little larger than what it holds.
   */
  #sizeLimit (first: number): number {
    const isDeflated = (first & 15) === opcode.CONTINUATION ? this.#isDeflated : (first & DEFLATED) !== 0
    return isDeflated ? this.#maxMessageSize + (this.#maxMessageSize >> 3) + DEFLATE_OVERHEAD : this.#maxMessageSize
  }

  /** Only the first frame of a message has the compression bit (RFC 7692 section 6.1). */
  #mayBeDeflated (first: number): boolean {
    const code = first & 15
    return this.#inflate !== undefined && (first & RESERVED) === DEFLATED &&
      (code === opcode.TEXT || code === opcode.BINARY)
  }

  /** Reads a fragment or a control frame. */
  #frame (first: number, bytes: Uint8Array, start: number, end: number): void {
    const code = first & 15
    if (code === opcode.PING) this.#ping(bytes, start, end)
    else if (code === opcode.PONG) this.#receiver.onPong(bytes, start, end)
    else if (code === opcode.CLOSE) this.#close(bytes, start, end)
    else this.#fragment(first, bytes, start, end)
  }

  #ping (bytes: Uint8Array, start: number, end: number): void {
    if (this.#pingsAhead > 0) this.#pingsAhead--
    else this.#receiver.onPing(bytes, start, end)
  }

  #fragment (first: number, bytes: Uint8Array, start: number, end: number): void {
    if ((first & 15) !== opcode.CONTINUATION) {
      this.#joinedOpcode = first & 15
      this.#isDeflated = (first & DEFLATED) !== 0
    }
    const length = this.#joinedLength + end - start
    this.#joined = grown(this.#joined, this.#joinedLength, length, this.#sizeLimit(first))
    this.#joined.set(bytes.subarray(start, end), this.#joinedLength)
    this.#joinedLength = length
    if (first < 128) return this.#receiver.onFragment()
    const message = this.#joined
    const asText = this.#joinedOpcode === opcode.TEXT
    this.#dropJoined()
    if (this.#isDeflated) this.#inflated(message.subarray(0, length), asText)
    else this.#deliver(message, length, asText)
  }

  #inflated (compressed: Uint8Array, asText: boolean): void {
    const message = this.#inflate!(compressed, this.#maxMessageSize)
    if (typeof message === 'number') this.#violation(message, 'compressed message that is too big or broken')
    else this.#deliver(message, message.length, asText)
  }

  #deliver (message: Uint8Array, length: number, asText: boolean): void {
    if (asText && !isText(message, 0, length)) this.#violation(closeCode.INVALID_TEXT, 'text that is not UTF-8')
    else this.#receiver.onMessage(message, 0, length, asText)
  }

  #close (bytes: Uint8Array, start: number, end: number): void {
    // The constructor copies, as `slice` of a Buffer does not, and the reply may be written after the call.
    const payload = new Uint8Array(bytes.subarray(start, end))
    const code = payload.length === 0 ? closeCode.NO_STATUS : payload[0] << 8 | payload[1]
    if (payload.length > 0 && !isCloseCode(code)) {
      return this.#violation(closeCode.PROTOCOL_ERROR, `invalid close code ${code}`)
    }
    const text = Buffer.from(payload.buffer, Math.min(2, payload.length))
    if (!isUtf8(text)) return this.#violation(closeCode.INVALID_TEXT, 'close reason that is not UTF-8')
    this.end()
    this.#receiver.onClose(code, untilNul(text.toString()), payload)
  }

  #violation (code: number, why: string): void {
    this.end()
    this.#receiver.onViolation(code, why)
  }

  #bufferRest (bytes: Uint8Array, start: number, end: number): void {
    const length = this.#restLength + end - start
    this.#rest = grown(this.#rest, this.#restLength, length, Infinity)
    this.#rest.set(bytes.subarray(start, end), this.#restLength)
    this.#restLength = length
  }

  #dropRest (): void {
    this.#rest = EMPTY
    this.#restLength = 0
    this.#ahead = 0
    this.#endsAhead = false
  }

  #dropJoined (): void {
    this.#joined = EMPTY
    this.#joinedLength = 0
    this.#joinedOpcode = opcode.CONTINUATION
  }
}

function protocolError (why: string): Refusal {
  return { code: closeCode.PROTOCOL_ERROR, why }
}

/** The big-endian u64 at bytes[offset..]; exact up to 2^53, and beyond that still far above any limit. */
function longLength (bytes: Uint8Array, offset: number): number {
  let size = 0
  for (let i = offset; i < offset + 8; i++) size = size * 256 + bytes[i]
  return size
}

/** Payload length that the frame header at bytes[at..end) announces, undefined while the header is incomplete. */
function payloadLength (bytes: Uint8Array, end: number, at = 0): number | undefined {
  if (end - at < 2) return undefined
  const size = bytes[at + 1] & 127
  if (size < 126) return size
  if (size === 126) return end - at < 4 ? undefined : bytes[at + 2] << 8 | bytes[at + 3]
  return end - at < 10 ? undefined : longLength(bytes, at + 2)
}

/** Length of the frame that begins at bytes[at], or of its header while that is incomplete. */
function frameLength (bytes: Uint8Array, end: number, at = 0): number {
  if (end - at < 2) return 2
  const header = maskedHeaderLength(bytes[at + 1])
  return end - at < header ? header : header + payloadLength(bytes, end, at)!
}

/** Length of the header, with its mask, of a frame with this second byte. */
function maskedHeaderLength (second: number): number {
  const short = second & 127
  return short < 126 ? 6 : short === 126 ? 8 : 14
}

/** A buffer of at least `wanted` bytes that begins with buffer[0..length): the same one, or one twice the size. */
function grown (buffer: Uint8Array, length: number, wanted: number, limit: number): Uint8Array {
  if (wanted <= buffer.length) return buffer
  const larger = new Uint8Array(Math.max(wanted, Math.min(buffer.length * 2, limit)))
  larger.set(buffer.subarray(0, length))
  return larger
}

function isText (bytes: Uint8Array, start: number, end: number): boolean {
  if (end - start > 64) return isUtf8(bytes.subarray(start, end))
  for (let i = start; i < end; i++) if (bytes[i] > 127) return isUtf8(bytes.subarray(i, end))
  return true
}

/** Godot 3 terminates every close reason with a NUL; the reason ends at the first one. */
function untilNul (text: string): string {
  const at = text.indexOf('\0')
  return at < 0 ? text : text.slice(0, at)
}
