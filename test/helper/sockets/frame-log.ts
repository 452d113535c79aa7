import { opcode } from '../../../src/protocol/websocket/frame.ts'
import type { FrameReceiver } from '../../../src/protocol/websocket/frame-reader.ts'

const hex = (bytes: Uint8Array, start = 0, end = bytes.length) =>
  Buffer.from(bytes.subarray(start, end)).toString('hex')

/** Records the events of a FrameReader: `text 6869`, `binary 00`, `ping 01`, `close 1000 bye`, `violation 1002`. */
export class FrameLog implements FrameReceiver {
  readonly lines: string[] = []
  /** Sizes of pongs, and the number of fragments before the last one of a message. */
  readonly pongs: number[] = []
  fragments = 0
  /** Called after every message, e.g. to stop the reader. */
  afterMessage = () => {}

  onMessage (bytes: Uint8Array, start: number, end: number, isText: boolean): void {
    this.lines.push(messageLine(bytes.subarray(start, end), isText))
    this.afterMessage()
  }

  onPing (bytes: Uint8Array, start: number, end: number): void {
    this.lines.push(pingLine(bytes.subarray(start, end)))
  }

  onPong (_bytes: Uint8Array, start: number, end: number): void {
    this.pongs.push(end - start)
  }

  onFragment (): void {
    this.fragments++
  }

  onClose (code: number, reason: string): void {
    this.lines.push(closeLine(code, reason))
  }

  onViolation (code: number): void {
    this.lines.push(violationLine(code))
  }
}

const messageLine = (bytes: Uint8Array, isText: boolean) => `${isText ? 'text' : 'binary'} ${hex(bytes)}`
const pingLine = (bytes: Uint8Array) => `ping ${hex(bytes)}`
const closeLine = (code: number, reason: string) => `close ${code} ${reason}`
const violationLine = (code: number) => `violation ${code}`

/** The expected line of a data message. */
export function line (code: number, payload: string | Uint8Array): string {
  return messageLine(Buffer.from(payload as string), code === opcode.TEXT)
}
