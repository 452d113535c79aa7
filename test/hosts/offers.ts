import { connect as connectTcp } from 'node:net'
import { connect as connectTls } from 'node:tls'
import { masked, type Address } from './exchange.ts'

/**
 * Milliseconds without a byte. After two such periods a server is taken to be done; it runs in this process, and may not
 * have had its turn in the first one.
 */
const SILENCE = 2000

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
    return masked(await converse(address, requestOf(path, headers), requestOf(path, { connection: 'close' })), mask)
  }))
}

function requestOf (path: string, headers: Readonly<Record<string, string>>): string {
  const lines = Object.entries({ host: 'localhost', ...headers }).map(([name, value]) => `${name}: ${value}\r\n`).join('')
  return `GET ${path} HTTP/1.1\r\n${lines}\r\n`
}

/** Writes two requests, the second as soon as the first is answered; resolves with all that comes until the server ends the connection. */
async function converse ({ port, isTls }: Address, first: string, second: string): Promise<string> {
  const options = { port, host: '127.0.0.1', rejectUnauthorized: false }
  const socket = isTls ? connectTls(options) : connectTcp(options)
  const chunks: Buffer[] = []
  let silences = 0
  socket.once('data', () => { socket.write(second) }).on('data', chunk => {
    chunks.push(chunk)
    silences = 0
  })
  socket.setTimeout(SILENCE).on('timeout', () => {
    if (++silences === 2) socket.destroy()
    else socket.setTimeout(SILENCE)
  })
  socket.on('error', () => {})
  socket.write(first)
  await new Promise(resolve => { socket.once('close', resolve) })
  return Buffer.concat(chunks).toString().replaceAll(/^date: .*$/gim, 'date: *')
}
