import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { ask, masked, type Address } from './exchange.ts'

/** Milliseconds without a byte after which it is checked whether a server is done. */
const SILENCE = 1000
/** Requests on other connections that it responds to in the meantime if it is done, and not only busy. */
const OTHER_REQUESTS = 5

/** Upgrades that clients offer to any server, which those that do not know them ignore (RFC 9110, 7.8). */
const offers: ReadonlyArray<Readonly<Record<string, string>>> = [
  // java.net.http, and curl --http2
  { connection: 'Upgrade, HTTP2-Settings', upgrade: 'h2c', 'http2-settings': 'AAEAAEAAAAIAAAAAAAMAAAAAAAQBAAAAAAUAAEAAAAYABgAA' },
  { connection: 'Upgrade', upgrade: 'TLS/1.2' },
  { connection: 'upgrade, keep-alive', upgrade: 'foo/1, bar' },
  { connection: 'keep-alive, Upgrade', upgrade: 'h2c, websocket/99' },
  // nginx with `proxy_set_header Upgrade websocket` for everything, without and with the other header
  { connection: 'close', upgrade: 'websocket' }
]

/** What a host answers to each offer, byte by byte, and to a second request on the same connection. */
export async function offerUpgrades (address: Address, path: string, mask?: RegExp): Promise<string[]> {
  return await Promise.all([{ connection: 'keep-alive' }, ...offers].map(async headers => {
    return masked(await converse(address, path, requestOf(path, headers), requestOf(path, { connection: 'close' })), mask)
  }))
}

function requestOf (path: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries({ host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return `GET ${path} HTTP/1.1\r\n${lines}\r\n`
}

/**
 * Writes two requests, the second as soon as the first is answered; resolves with all that comes until the server ends
 * the connection, or answers others only.
 */
async function converse (address: Address, path: string, first: string, second: string): Promise<string> {
  const options = { port: address.port, host: '127.0.0.1', rejectUnauthorized: false }
  const socket = address.isTls ? connectTls(options) : connectTcp(options)
  const chunks: Buffer[] = []
  socket.once('data', () => { socket.write(second) }).on('data', chunk => { chunks.push(chunk) })
  socket.setTimeout(SILENCE).on('timeout', async () => {
    const before = chunks.length
    for (let count = 0; count < OTHER_REQUESTS && !socket.destroyed; count++) {
      await ask(address, { path }).catch(error => { if (!socket.destroyed) throw error })
    }
    if (chunks.length === before) socket.destroy()
    else socket.setTimeout(SILENCE)
  })
  socket.on('error', () => {})
  socket.write(first)
  await new Promise(resolve => { socket.once('close', resolve) })
  return Buffer.concat(chunks).toString().replaceAll(/^date: .*$/gim, 'date: *')
}
