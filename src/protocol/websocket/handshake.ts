import { hash } from 'node:crypto'
import { GodotError } from '../../error.ts'

/** Headers by lower-case name, repeated ones joined by a comma (as Node gives them). */
export type Headers = Readonly<Record<string, string | string[] | undefined>>

const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** Throws bad-handshake unless the headers ask for a WebSocket of version 13 (RFC 6455 section 4.2.1). */
export function checkUpgrade (headers: Headers): void {
  if (text(headers.upgrade).toLowerCase() !== 'websocket') throw new GodotError('bad-handshake', 'Upgrade: must be websocket')
  if (headers.connection === undefined) throw new GodotError('bad-handshake', 'Connection: is missing')
  // A client within the process (app.injectWS) gives the number.
  if (String(headers['sec-websocket-version']) !== '13') throw new GodotError('bad-handshake', 'Sec-WebSocket-Version: must be 13')
  if (headers['sec-websocket-key'] === undefined) throw new GodotError('bad-handshake', 'Sec-WebSocket-Key: is missing')
}

/** The sub-protocol to answer with, '' for none: the first of the client's that the server has; sub-protocol-mismatch as in Godot. */
export function chooseProtocol (own: readonly string[], wanted: readonly string[] = []): string {
  if (own.length === 0 && wanted.length === 0) return ''
  if (own.length === 0) throw new GodotError('sub-protocol-mismatch', 'this server has no sub-protocols')
  const chosen = wanted.find(name => name !== '' && own.includes(name))
  if (chosen === undefined) throw new GodotError('sub-protocol-mismatch', `this server has the sub-protocols ${own.join(', ')}`)
  return chosen
}

/** The 101 answer (RFC 6455 section 4.2.2), as Godot's clients want it: `Connection: Upgrade` alone, a protocol only when one was chosen. */
export function upgradeAnswer (key: string, protocol: string, extensions: string = ''): Buffer {
  const accept = hash('sha1', key + GUID, 'base64')
  const chosen = protocol === '' ? '' : `Sec-WebSocket-Protocol: ${protocol}\r\n`
  const agreed = extensions === '' ? '' : `Sec-WebSocket-Extensions: ${extensions}\r\n`
  return Buffer.from(`HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\n${chosen}${agreed}\r\n`, 'latin1')
}

function text (header: string | string[] | undefined): string {
  return Array.isArray(header) ? header.join(',') : header ?? ''
}
