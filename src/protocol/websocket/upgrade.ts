import { hash } from 'node:crypto'
import { GodotError } from '../../error.ts'

/** Headers by lower-case name, repeated ones joined by a comma (as Node gives them). */
export type Headers = Readonly<Record<string, string | string[] | undefined>>

/** The GUID of RFC 6455 section 1.3. */
const GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/**
 * Checks the headers of an upgrade request (RFC 6455 section 4.2.1); throws upgrade-required without `Upgrade`,
 * bad-handshake unless they ask for a WebSocket of version 13.
 */
export function checkUpgrade (headers: Headers): void {
  if (headers.upgrade === undefined) throw new GodotError('upgrade-required')
  if (!offersWebSocket(headers)) throw badHandshake('Upgrade: expected websocket')
  if (headers.connection === undefined) throw badHandshake('Connection: missing header, expected Upgrade')
  // An in-process client (app.injectWS) sends a number.
  if (String(headers['sec-websocket-version']) !== '13') throw badHandshake('Sec-WebSocket-Version: expected 13')
  if (headers['sec-websocket-key'] === undefined) throw badHandshake('Sec-WebSocket-Key: missing header')
}

/** Whether `Upgrade` offers a WebSocket, possibly among other protocols (RFC 9110 section 7.8). */
export function offersWebSocket ({ upgrade }: Headers): boolean {
  if (upgrade === undefined) return false
  // What nearly all clients send.
  if (upgrade === 'websocket') return true
  return oneText(upgrade)!.split(',').some(token => token.trim().toLowerCase() === 'websocket')
}

/**
 * The subprotocol to answer with, '' for none: the client's first that the server has; sub-protocol-mismatch as in
 * Godot.
 */
export function chooseProtocol (supported: readonly string[], requested: readonly string[] = []): string {
  if (supported.length === 0 && requested.length === 0) return ''
  if (supported.length === 0) throw new GodotError('sub-protocol-mismatch', 'this server has no subprotocols')
  const chosen = requested.find(name => name !== '' && supported.includes(name))
  if (chosen === undefined) {
    throw new GodotError('sub-protocol-mismatch', `expected one of the subprotocols ${supported.join(', ')}`)
  }
  return chosen
}

/**
 * The 101 response (RFC 6455 section 4.2.2) in the form that Godot's clients accept: `Connection: Upgrade` alone, a
 * subprotocol only when one was chosen. `more`: additional header lines, each with its CRLF.
 */
export function upgradeResponse (key: string, protocol: string, extensions: string = '', more: string = ''): Buffer {
  const accept = hash('sha1', key + GUID, 'base64')
  const protocolLine = protocol === '' ? '' : `Sec-WebSocket-Protocol: ${protocol}\r\n`
  const extensionsLine = extensions === '' ? '' : `Sec-WebSocket-Extensions: ${extensions}\r\n`
  const head = 'HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n'
  return Buffer.from(`${head}Sec-WebSocket-Accept: ${accept}\r\n${protocolLine}${extensionsLine}${more}\r\n`, 'latin1')
}

/** A header as one text, even if it was sent several times. */
export function oneText (header: string | string[] | undefined): string | undefined {
  return Array.isArray(header) ? header.join(',') : header
}

function badHandshake (message: string): GodotError {
  return new GodotError('bad-handshake', message)
}
