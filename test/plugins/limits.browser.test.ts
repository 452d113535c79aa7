import Fastify from 'fastify'
import type { Test } from 'tap'
import t from 'tap'
import type { HandshakeRequest } from '../../src/on-handshake.ts'
import { needsBrowser, openPage } from '../helper/browser/browser.ts'
import { modes, openServer } from '../helper/sockets/modes.ts'

/** The result of opening a WebSocket in a page: the subprotocol, or the close code. */
type Outcome = { protocol: string } | { code: number }

/** An empty page on a port of its own, in a real browser. */
async function openSite (t: Test) {
  const site = Fastify()
  t.teardown(async () => { await site.close() })
  site.get('/', async (_request, reply) => await reply.type('text/html').send('<!doctype html><title>site</title>'))
  await site.listen({ port: 0, host: '127.0.0.1' })
  const { page, problems } = await openPage(t)
  const { port } = site.server.address() as { port: number }
  const from = async (host: string): Promise<void> => { await page.goto(`http://${host}:${port}/`) }
  const open = async (url: string, protocols: string[] = []): Promise<Outcome> =>
    await page.evaluate(async ([url, protocols]) => await new Promise(resolve => {
      const socket = new (globalThis as any).WebSocket(url, protocols)
      socket.onopen = () => { resolve({ protocol: socket.protocol }) }
      socket.onclose = ({ code }: { code: number }) => { resolve({ code }) }
    }), [url, protocols] as const)
  return { from, open, problems }
}

t.test('a page in a browser', needsBrowser, async t => {
  const { from, open, problems } = await openSite(t)
  for (const mode of modes) {
    await t.test(`may connect from the same host, but not from another (${mode})`, async t => {
      const server = await openServer(t, mode)
      const url = `ws://127.0.0.1:${server.port}/ws`
      await from('127.0.0.1')
      t.same(await open(url), { protocol: '' })
      await from('localhost')
      t.same(await open(url), { code: 1006 })
      t.match(problems.at(-1), /403/)
      t.equal(server.monitor.limits['origin-refused'], 1)
    })

    await t.test(`may connect if allowedOrigins lists its origin (${mode})`, async t => {
      const server = await openServer(t, mode, { allowedOrigins: '*' })
      await from('localhost')
      t.same(await open(`ws://127.0.0.1:${server.port}/ws`), { protocol: '' })
    })

    await t.test(`sends a token as a subprotocol (${mode})`, async t => {
      const requests: HandshakeRequest[] = []
      const server = await openServer(t, mode, {
        allowedOrigins: '*',
        onHandshake: request => {
          requests.push(request)
          return request.token === 'good' ? {} : { status: 403 }
        }
      })
      const url = `ws://127.0.0.1:${server.port}/ws`
      const carrier = (token: string): string =>
        `base64url.bearer.authorization.${Buffer.from(token).toString('base64url')}`
      t.same(await open(url, [carrier('good')]), { protocol: carrier('good') })
      t.same(await open(url, [carrier('bad')]), { code: 1006 })
      t.match(problems.at(-1), /403/)
      t.same(requests.map(({ token, protocols }) => ({ token, protocols })), [{
        token: 'good',
        protocols: []
      }, { token: 'bad', protocols: [] }])
    })
  }
})
