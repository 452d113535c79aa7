import { once } from 'node:events'
import t from 'tap'
import { WebSocket } from 'ws'
import { freePort } from '../helper/free-port.ts'
import { RelaySocket } from '../helper/sockets/relay-socket.ts'
import { startExample } from '../helper/programs/running-program.ts'

t.test('the app and its game share tokens, documents and the port', async t => {
  const port = await freePort()
  const server = startExample(t, 'mounted', port)
  await server.until(/listening at/)
  const url = `http://127.0.0.1:${port}`
  const logIn = async (name: string): Promise<string> => {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${url}/login`, { method: 'POST', headers, body: JSON.stringify({ name }) })
    return (await response.json() as { token: string }).token
  }
  const [token, adminToken] = [await logIn('Ann'), await logIn('admin')]

  await t.test('a game enters with a token of the app; the WebSocket of the app reports it', async t => {
    const news = new WebSocket(`ws://127.0.0.1:${port}/news`)
    t.teardown(() => { news.terminate() })
    t.equal(String((await once(news, 'message'))[0]), '{"players":0}')
    const changed = once(news, 'message')
    const ann = await RelaySocket.connect(t, `ws://127.0.0.1:${port}/game?token=${token}`)
    t.ok(ann.id > 1)
    t.equal(String((await changed)[0]), '{"players":1}')
    await server.until(/"name":"Ann".*a player joined/)
  })

  await t.test('a forged token does not open a WebSocket', async t => {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/game?token=${token.slice(0, -4)}AAAA`)
    const [, response] = await once(socket, 'unexpected-response')
    t.equal(response.statusCode, 401)
    response.resume()
  })

  await t.test('the REST API has the guard of the app', async t => {
    const statusWith = async (headers: Record<string, string>): Promise<number> =>
      (await fetch(`${url}/game-admin/peers`, { headers })).status
    t.equal(await statusWith({}), 401)
    t.equal(await statusWith({ authorization: `Bearer ${token}` }), 403)
    t.equal(await statusWith({ authorization: `Bearer ${adminToken}` }), 200)
  })

  await t.test('the document of the app has its operations and ours, with its security scheme', async t => {
    const { paths, info } = await (await fetch(`${url}/documentation/json`)).json() as any
    t.equal(info.title, 'News and a game')
    t.ok(paths['/login'].post)
    t.same(paths['/game-admin/peers'].get.security, [{ jwt: [] }])
  })
})
