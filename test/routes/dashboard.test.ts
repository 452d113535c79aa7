import { createHash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import fastifyStatic from '@fastify/static'
import Fastify from 'fastify'
import t from 'tap'
import { root } from '../../scripts/root.ts'
import app from '../../app.ts'
import type { WebSocketServer } from '../../src/core/server/websocket-server.ts'
import { startApp } from '../helper/app.ts'
import { filesIn } from '../helper/documents/files-in.ts'

const token = 'a token of more than thirty-two characters'
const web = join(root, 'web')
const mediaTypes = { html: /^text\/html/, css: /^text\/css/, js: /^text\/javascript/, svg: /^image\/svg\+xml/ }

t.test('serves the files in web/ without a token, unchanged, with security headers and ETag', async t => {
  const { service } = await startApp(t, { more: [{ name: 'godot4', path: '/ws4' }], admin: { token } })
  const page = readFileSync(join(web, 'index.html'), 'utf8')
  const [, importMap] = /<script type="importmap">(.*?)<\/script>/s.exec(page)!
  const hash = createHash('sha256').update(importMap).digest('base64')
  for (const file of filesIn(web)) {
    const url = file === 'index.html' ? '/dashboard' : `/dashboard/${file}`
    const { statusCode, headers, rawPayload } = await service.inject(url)
    const policy = String(headers['content-security-policy'])
    t.equal(statusCode, 200, url)
    t.ok(rawPayload.equals(readFileSync(join(web, file))), url)
    t.ok(policy.startsWith(`default-src 'none'; script-src 'self' 'sha256-${hash}'; style-src 'self';`), policy)
    t.notMatch(policy, /unsafe|\*|https?:/)
    t.equal(headers['x-content-type-options'], 'nosniff')
    t.equal(headers['cache-control'], 'no-cache')
    t.match(headers['content-type'], mediaTypes[file.split('.')[1] as keyof typeof mediaTypes])
    t.equal((await service.inject({ url, headers: { 'if-none-match': headers.etag as string } })).statusCode, 304)
  }
})

t.test('allows connections to servers on ports of their own, and to no host that a request makes up', async t => {
  const { service } = await startApp(t, {
    server: {},
    more: [{ name: 'separate', port: 0, bindIp: '*' }, { name: 'local', port: 0, bindIp: '127.0.0.1' }],
    admin: { token }
  })
  const separate = service.getDecorator<WebSocketServer>('separate')
  const [port, localPort] = [separate.port, service.getDecorator<WebSocketServer>('local').port]
  const targets = async (host: string): Promise<string[]> => {
    const { headers } = await service.inject({ url: '/dashboard', headers: { host } })
    return /connect-src ([^;]*);/.exec(String(headers['content-security-policy']))![1].split(' ')
  }
  const local = `ws://127.0.0.1:${localPort}`
  t.same(await targets('game.example:3000'), ["'self'", `ws://game.example:${port}`, local])
  for (const host of ['*', "game.example;script-src'unsafe-inline'", '[::1]:3000']) {
    t.same(await targets(host), ["'self'", local], host)
  }
  await separate.stop()
  t.same(await targets('game.example:3000'), ["'self'", local])
})

t.test('serves every module that a module imports', async t => {
  const { service } = await startApp(t, { more: [{ name: 'godot4', path: '/ws4' }], admin: { token } })
  const { imports } = JSON.parse(/importmap">(.*?)</s.exec((await service.inject('/dashboard')).body)![1])
  const seen = new Set<string>()
  const load = async (path: string): Promise<void> => {
    if (seen.has(path)) return
    seen.add(path)
    const { statusCode, headers, body } = await service.inject(path)
    t.equal(statusCode, 200, path)
    t.match(headers['content-type'], mediaTypes.js)
    for (const [, target] of body.matchAll(/^(?:import|export) (?:[^'"\n]* from )?['"]([^'"]+)['"]/gm)) {
      const base = target.startsWith('.') ? path : '/dashboard'
      await load(new URL(imports[target] ?? target, `http://localhost${base}`).pathname)
    }
  }
  await load('/dashboard/app.js')
  for (const file of ['base/api.js', 'client/client.js', 'client/operations.js', 'eventsource-parser/index.js']) {
    t.ok(seen.has(`/dashboard/${file}`), file)
  }
})

t.test('lists the servers', async t => {
  const { service } = await startApp(t, { more: [{ name: 'godot4', path: '/ws4' }], admin: { token } })
  t.same((await service.inject('/dashboard/servers.json')).json(), ['peerServer', 'godot4'])
})

t.test('redirects /dashboard/, and responds with 404 to everything else', async t => {
  const { service } = await startApp(t, { more: [{ name: 'godot4', path: '/ws4' }], admin: { token } })
  const { statusCode, headers } = await service.inject('/dashboard/')
  t.equal(statusCode, 308)
  t.equal(headers.location, '../dashboard')
  for (const path of [
    'package.json', '..%2fpackage.json', '../package.json', 'index.html',
    'client/', 'client/client.d.ts', 'client/..%2f..%2fpackage.json', 'eventsource-parser/index.cjs'
  ]) t.equal((await service.inject(`/dashboard/${path}`)).statusCode, 404, path)
})

t.test('works in an app that uses @fastify/static, too', async t => {
  const service = Fastify()
  t.teardown(async () => { await service.close() })
  await service.register(fastifyStatic, { root: join(root, 'docs'), prefix: '/files/' })
  await service.register(app, { server: {}, admin: { token } })
  t.match(await service.inject('/dashboard'), { statusCode: 200, headers: { 'content-type': mediaTypes.html } })
  t.equal((await service.inject('/files/protocol.md')).statusCode, 200)
})

t.test('the page loads nothing from other hosts, and never parses text as HTML', async t => {
  for (const file of filesIn(web)) {
    const text = readFileSync(join(web, file), 'utf8').replace('http://www.w3.org/2000/svg', '')
    t.notMatch(text, /https?:\/\/|@import|innerHTML|eval\(/, file)
  }
})
