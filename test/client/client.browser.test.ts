import t from 'tap'
import type { PeerServerClient } from '../../src/client/index.ts'
import { needsBrowser, openPage } from '../helper/browser/browser.ts'
import { accept } from '../helper/internals.ts'
import { MemoryConnection } from '../helper/memory/memory-connection.ts'
import { startApp } from '../helper/app.ts'

const token = 'a token of more than thirty-two characters'

t.test('the typed client works in a browser: calls, bytes, errors and events', needsBrowser, async t => {
  const { url, server } = await startApp(t, { admin: { token } })
  accept(server, new MemoryConnection('192.0.2.7', 4000))
  const [{ id }] = server.peers()
  const { page, problems } = await openPage(t)
  // The dashboard has an import map for what the client imports.
  await page.goto(`${url}/dashboard`)
  const seen = await page.evaluate(async ({ url, token, id }) => {
    // @ts-expect-error: a file of the page
    const { ApiError, PeerServerClient } = await import('/dashboard/client/client.js')
    const client: PeerServerClient = new PeerServerClient({ url, token })
    const { items } = await client.call('peers')
    const { bytes } = await client.call('putPacket', { id }, Uint8Array.of(1, 2, 3))
    const variant = await client.call('putPacket', { id }, { variant: { Vector2: [1, 2] } })
    const error: any = await client.call('getPeer', { id: 77 }).catch((error: unknown) => error)
    await client.call('ban', {}, { address: '192.0.2.8' })
    const lifted = await client.call('unban', { address: '192.0.2.8' })
    const types: string[] = []
    for await (const { event } of client.events({ recent: 5, types: 'admin' })) {
      types.push(event.type)
      if (event.type === 'open') break
    }
    return {
      ids: items.map(({ id }) => id),
      bytes,
      variant: variant.bytes,
      isApiError: error instanceof ApiError,
      status: error.status,
      details: error.details,
      lifted,
      types,
      hasBuffer: 'Buffer' in globalThis
    }
  }, { url, token, id })
  t.match(seen, {
    ids: [id],
    bytes: 3,
    variant: 12,
    isApiError: true,
    status: 404,
    details: ['peer 77 does not exist'],
    lifted: undefined,
    hasBuffer: false
  })
  t.ok(seen.types.includes('admin'))
  // The dashboard asks whether it needs a token.
  t.same(problems.map(problem => /\d{3}/.exec(problem)?.[0]), ['401', '404'])
})

t.test('in a browser, too, events throw when the connection is lost or the signal aborts', needsBrowser, async t => {
  const { url, service } = await startApp(t, { admin: { token } })
  const { page } = await openPage(t)
  await page.goto(`${url}/dashboard`)
  await page.exposeFunction('cut', () => { service.server.closeAllConnections() })
  const errors = await page.evaluate(async ({ url, token }) => {
    // @ts-expect-error: a file of the page
    const { PeerServerClient } = await import('/dashboard/client/client.js')
    const client: PeerServerClient = new PeerServerClient({ url, token })
    const over = new AbortController()
    const ends = [(globalThis as any).cut, () => { over.abort(new Error('enough')) }]
    const errors: string[] = []
    for (const end of ends) {
      const events = client.events({ types: 'admin' }, '', over.signal)
      await events.next()
      const next = events.next()
      end()
      errors.push(await next.then(() => 'no error', (error: Error) => `${error.name}: ${error.message}`))
    }
    return errors
  }, { url, token })
  t.match(errors, [/^TypeError/, 'Error: enough'])
})
