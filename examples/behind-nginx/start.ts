/**
 * A relay behind nginx with TLS: `node --import tsx examples/behind-nginx/start.ts [port of nginx, default 8443]`.
 * Ctrl-C ends both.
 */
import { execFileSync, spawn } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Fastify from 'fastify'
import peerServer from 'fastify-peer-server'

const [port = '8443'] = process.argv.slice(2)
const folder = mkdtempSync(join(tmpdir(), 'behind-nginx-'))

// The addresses of players are those that nginx reports, and no one else.
const app = Fastify({ logger: true, trustProxy: '127.0.0.1' })
await app.register(peerServer, { path: '/ws', gdMpApi: true, pingInterval: 10 })
app.peerServer.on('peer_connected', id => {
  app.log.info({ id, address: app.peerServer.getPeerAddress(id) }, 'a player joined')
})
await app.listen({ port: 0, host: '127.0.0.1' })

makeCertificate()
writeFileSync(join(folder, 'nginx.conf'), configuration((app.server.address() as AddressInfo).port))
const nginx = spawn('nginx', ['-p', folder, '-e', 'stderr', '-c', 'nginx.conf'], {
  stdio: 'inherit', env: { ...process.env, PATH: `${process.env.PATH}:/usr/sbin` }
})
nginx.once('error', () => { console.error('nginx is missing: apt-get install nginx') })
nginx.once('close', end)
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { nginx.kill() })
app.log.info(`wss://localhost:${port}/ws, with the certificate ${join(folder, 'fullchain.pem')}`)

/** A self-signed certificate for localhost. */
function makeCertificate (): void {
  execFileSync('openssl', [
    'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '30',
    '-subj', '/CN=localhost', '-addext', 'subjectAltName=DNS:localhost',
    '-keyout', join(folder, 'privkey.pem'), '-out', join(folder, 'fullchain.pem')
  ], { stdio: 'ignore' })
}

/** hosting/nginx/site.conf for this port, and nothing that needs root. */
function configuration (upstream: number): string {
  const site = readFileSync(join(import.meta.dirname, '../../hosting/nginx/site.conf'), 'utf8')
    .replace('listen 443 ssl', `listen ${port} ssl`)
    .replace('127.0.0.1:3000', `127.0.0.1:${upstream}`)
    .replaceAll('/etc/ssl/game.example', folder)
  const paths = ['client_body', 'proxy', 'fastcgi', 'uwsgi', 'scgi'].map(name => `${name}_temp_path ${name};`)
  return `daemon off; pid nginx.pid; events {} http { access_log off; ${paths.join(' ')}\n${site}}`
}

async function end (): Promise<void> {
  await app.close()
  rmSync(folder, { recursive: true })
}
