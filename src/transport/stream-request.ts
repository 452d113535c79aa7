import { Socket } from 'node:net'
import { mayUseInternals } from './internals.ts'

/** A request to the handle of a socket, not documented; the handle calls `oncomplete`. */
export interface StreamRequest {
  oncomplete?: (status: number) => void
  /** Keeps the bytes from being garbage collected until then. */
  bytes?: Uint8Array | Uint8Array[]
  /** Since Node 26: with which status it was done before there was `oncomplete`, null if it was not. */
  readonly writeStatus?: number | null
  /** -1 while no handle has it. */
  getAsyncId (): number
}

/** The handle of a socket; an error is not 0. Since Node 26 it makes a request itself, if one is needed. */
export interface WritableHandle {
  readonly writeQueueSize: number
  writeBuffer (request: StreamRequest | null, bytes: Uint8Array): number | StreamRequest
  writev (request: StreamRequest | null, parts: Uint8Array[], areBuffers: true): number | StreamRequest
}

type RequestClass = new () => StreamRequest

/** Classes of requests to write (none since Node 26) and to end; undefined in a Node without them. */
export const requests: { readonly Write: RequestClass | undefined, readonly Shutdown: RequestClass } | undefined =
  mayUseInternals ? findRequests() : undefined

/** Used by the next write, and kept for the one after it if the system takes all bytes at once. */
let idleRequest: StreamRequest | undefined

/** Writes bytes; returns 0 when the system has taken all, the request that waits, or an error. */
export function writeTo (handle: WritableHandle, bytes: Uint8Array | Uint8Array[]): number | StreamRequest {
  const { Write } = requests!
  const request = Write === undefined ? null : idleRequest ??= new Write()
  const result = bytes instanceof Uint8Array
    ? handle.writeBuffer(request, bytes)
    : handle.writev(request, bytes, true)
  if (result !== 0 || request === null) return result
  // The handle may have taken the request although nothing is waiting.
  if (handle.writeQueueSize === 0 && request.getAsyncId() < 0) return 0
  idleRequest = undefined
  return request
}

/** Finds the classes by giving a socket of Node a fake handle that records its requests. */
function findRequests (): typeof requests {
  const found: Array<StreamRequest | null> = []
  const keep = (request: StreamRequest | null): number => {
    found.push(request)
    return 0
  }
  const handle = { readStart: () => 0, readStop: () => 0, close () {}, writeBuffer: keep, shutdown: keep }
  try {
    const socket = new Socket({ handle, manualStart: true } as object)
    socket.on('error', () => {})
    socket._write(Buffer.alloc(1), 'buffer' as BufferEncoding, () => {})
    socket._final(() => {})
    socket.destroy()
    /* c8 ignore start: in no Node that exists now */
  } catch {
    return undefined
  }
  /* c8 ignore stop */
  const [write, shutdown] = found
  if (write === undefined || shutdown == null || typeof (write ?? shutdown).getAsyncId !== 'function') return undefined
  return { Write: write?.constructor as RequestClass | undefined, Shutdown: shutdown.constructor as RequestClass }
}
