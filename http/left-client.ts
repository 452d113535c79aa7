import type { ServerResponse } from 'node:http'

/** A response over HTTP/2. */
interface OnStream { readonly stream?: { readonly destroyed: boolean } }

/** Whether the client of a response is gone: then nothing reports its end any more. */
export function hasLeft (response: ServerResponse): boolean {
  return response.destroyed || (response as OnStream).stream?.destroyed === true
}

/**
 * Notifies a response that its connection is closed. Node notifies only the one that is being sent; the file of a later
 * one would never be closed.
 */
export function closeResponse (response: ServerResponse): void {
  response.destroy()
  if (!response.closed) response.emit('close')
}
