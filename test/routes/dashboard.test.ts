import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import Fastify from 'fastify'
import t from 'tap'
import { root } from '../../scripts/root.ts'
import app from '../../app.ts'

const token = 'a token of more than thirty-two characters'
const web = join(root, 'web')

t.test('the page and its files need no token, and are as they lie in web/', async t => {
  const service = Fastify()
  t.teardown(async () => { await service.close() })
  await service.register(app, { server: {}, admin: { token } })
  for (const file of readdirSync(web)) {
    const url = file === 'index.html' ? '/dashboard' : `/dashboard/${file}`
    const { statusCode, headers, rawPayload } = await service.inject(url)
    t.equal(statusCode, 200, url)
    t.same(rawPayload.toString(), readFileSync(join(web, file), 'utf8').replace('name="servers" content=""', 'name="servers" content="peerServer"'))
    t.match(headers['content-security-policy'], /^default-src 'none'; script-src 'self'; style-src 'self';/)
    t.notMatch(headers['content-security-policy'], /unsafe|\*|https?:/)
    t.equal(headers['x-content-type-options'], 'nosniff')
    t.match(headers['content-type'], { html: /^text\/html/, css: /^text\/css/, js: /^text\/javascript/, svg: /^image\/svg\+xml/ }[file.split('.')[1]])
    t.equal((await service.inject({ url, headers: { 'if-none-match': headers.etag as string } })).statusCode, 304)
  }
  const { statusCode, headers } = await service.inject('/dashboard/')
  t.equal(statusCode, 308)
  t.equal(headers.location, '../dashboard')
  for (const url of ['/dashboard/package.json', '/dashboard/..%2fpackage.json', '/dashboard/../package.json']) t.equal((await service.inject(url)).statusCode, 404, url)
})

t.test('the page asks nobody else for anything', async t => {
  for (const file of readdirSync(web)) t.notMatch(readFileSync(join(web, file), 'utf8').replace('http://www.w3.org/2000/svg', ''), /https?:\/\/|@import|innerHTML|eval\(/, file)
})
