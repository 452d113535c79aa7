import t from 'tap'
import { Vector2 } from '../../src/protocol/variant/variant-types.ts'
import { decodeVariant } from '../../src/protocol/variant/variant.ts'
import { jsonRequest, nextMessage, startHost } from '../helper/host.ts'
import { connectRaw, connectRawWebSocket } from '../helper/sockets/raw-socket.ts'
import { nextSignal } from '../helper/next-signal.ts'
import { sessionOf } from '../helper/internals.ts'

const binary = (body: Uint8Array): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': 'application/octet-stream' },
  body: Buffer.from(body)
})
const text = (body: string, type = 'text/plain'): RequestInit => ({
  method: 'POST',
  headers: { 'content-type': type },
  body
})

t.test('sends a binary or text packet to one peer, according to the content type', async t => {
  const { api, join } = await startHost(t)
  const { id, socket } = await join()
  const bytes = nextMessage(socket)
  const answer = await api(`/peers/${id}/packets`, binary(Uint8Array.of(0, 255, 7)))
  t.equal(answer.status, 202)
  t.match(await answer.json(), { bytes: 3, bufferedAmount: Number })
  t.same(await bytes, { bytes: Buffer.of(0, 255, 7), isText: false })

  const words = nextMessage(socket)
  t.match(await (await api(`/peers/${id}/packets`, text('grüß dich'))).json(), { bytes: 11 })
  t.same(await words, { bytes: Buffer.from('grüß dich'), isText: true })
})

t.test('sends an empty packet', async t => {
  const { api, join } = await startHost(t)
  const { id, socket } = await join()
  const bytes = nextMessage(socket)
  t.match(await (await api(`/peers/${id}/packets`, binary(Uint8Array.of()))).json(), { bytes: 0 })
  t.same(await bytes, { bytes: Buffer.alloc(0), isText: false })
})

t.test('sends to all, to one, and to all but one', async t => {
  const { api, join } = await startHost(t)
  const clients = [await join(), await join(), await join()]
  const [first] = clients
  const send = async (target: string): Promise<unknown> => await (await api(`/packets${target}`, text(target))).json()

  const all = clients.map(({ socket }) => nextMessage(socket))
  t.same(await send(''), { recipients: 3 })
  await Promise.all(all)
  const again = clients.map(({ socket }) => nextMessage(socket))
  t.same(await send('?target=0'), { recipients: 3 })
  await Promise.all(again)

  const others = clients.slice(1).map(({ socket }) => nextMessage(socket))
  const one = nextMessage(first.socket)
  t.same(await send(`?target=${-first.id}`), { recipients: 2 })
  t.same(await send(`?target=${first.id}`), { recipients: 1 })
  t.same((await Promise.all(others)).map(({ bytes }) => bytes.toString()), [
    `?target=${-first.id}`, `?target=${-first.id}`
  ])
  t.equal((await one).bytes.toString(), `?target=${first.id}`, 'it did not get the previous packet')
})

t.test('clients of Godot 3 deliver a packet as network_peer_packet, unless it is sent raw', async t => {
  const { api, join } = await startHost(t, { server: { gdMpApi: true, rooms: true } })
  const { id, socket } = await join()
  const payloadOf = async (path: string, body: RequestInit): Promise<Buffer> => {
    const message = nextMessage(socket)
    t.equal((await api(path, body)).status, 202)
    return (await message).bytes.subarray(9)
  }
  for (const path of [`/peers/${id}/packets`, '/packets', '/rooms/main/packets', `/packets?target=${id}`]) {
    const raw = `${path}${path.includes('?') ? '&' : '?'}raw=true`
    t.same(await payloadOf(path, text('hi')), Buffer.from('\u0004hi'), path)
    t.same(await payloadOf(path, binary(Uint8Array.of(7))), Buffer.of(4, 7), path)
    t.same(await payloadOf(raw, text('hi')), Buffer.from('hi'), raw)
  }
})

t.test('no byte is prepended to packets for clients of Godot 4 and plain clients', async t => {
  const { api, join } = await startHost(t)
  const { socket } = await join()
  const message = nextMessage(socket)
  await api('/packets', text('hi'))
  t.same((await message).bytes.toString(), 'hi')
  const four = await startHost(t, { server: { gdMpApi: true, wire: 'godot4' } })
  const { socket: client } = await four.join()
  const relayed = nextMessage(client)
  await four.api('/packets', text('hi'))
  t.same((await relayed).bytes.subarray(-2).toString(), 'hi')
  t.equal((await relayed).bytes.length, 3, 'only the command of Godot 4 itself')
})

t.test('sends to all peers except a list of them', async t => {
  for (const gdMpApi of [false, true]) {
    const { api, join, joinRoom } = await startHost(t, { server: { gdMpApi, rooms: true } })
    const [first, second, third, other] = [await join(), await join(), await join(), await joinRoom('arena')]
    const got = [third, other].map(({ socket }) => {
      const seen: string[] = []
      socket.on('message', (data: Buffer) => { if (String(data).includes('hi')) seen.push(String(data)) })
      return seen
    })
    const excluded = `excluded=${first.id},${second.id},77`
    t.same(await (await api(`/packets?${excluded}`, text('hi'))).json(), { recipients: 2 })
    t.same(await (await api(`/rooms/main/packets?${excluded}`, text('hi'))).json(), { recipients: 1 })
    const last = nextMessage(first.socket)
    t.same(await (await api('/packets?raw=true', text('end'))).json(), { recipients: 4 })
    t.match((await last).bytes.toString(), /end$/, 'it got none of the others')
    t.same(got.map(({ length }) => length), [2, 1])
  }
  const { api } = await startHost(t)
  for (const query of ['excluded=', 'excluded=a', 'excluded=1,,2', 'excluded=2&target=3']) {
    t.equal((await api(`/packets?${query}`, text('hi'))).status, 400, query)
  }
})

t.test('lists of ids have the ids of peers in their canonical spelling', async t => {
  const { api, join } = await startHost(t)
  const { id } = await join()
  for (const name of ['ids', 'excluded']) {
    for (const list of [
      `0${id}`, '0', '1', `${id},0`, `${id},1`, '05', '-5', '2147483648', '4294967296', `${id},`, `${id}, ${id}`, '5.0'
    ]) {
      const answer = await api(`/packets?${name}=${list}`, text('hi'))
      t.equal(answer.status, 400, `${name}=${list}`)
      t.match((await answer.json()).errors, [{ pointer: `/query/${name}`, message: /list of at most 1000 ids/ }])
    }
    t.equal((await api(`/packets?${name}=2,2147483647,${id}`, text('hi'))).status, 202)
  }
})

t.test('sends to some peers: by id, by a filter, and not to those that are excluded', async t => {
  for (const gdMpApi of [false, true]) {
    const { api, join, joinRoom } = await startHost(t, {
      server: {
        gdMpApi,
        rooms: true,
        protocols: ['chat', 'game'],
        onHandshake: async ({ room }) => ({ data: { room } })
      }
    })
    const clients = [await join('chat'), await join('game'), await joinRoom('arena', 'game')]
    const ids = clients.map(({ id }) => id)
    const got = clients.map(({ socket }) => {
      const seen: string[] = []
      socket.on('message', (data: Buffer) => { if (/[a-z]{2}$/.test(String(data))) seen.push(String(data).slice(-2)) })
      return seen
    })
    const send = async (query: string, what: string): Promise<unknown> =>
      (await (await api(`/packets?${query}`, text(what))).json()).recipients
    t.equal(await send(`ids=${ids[0]},${ids[2]},77`, 'aa'), 2)
    t.equal(await send('protocol=game', 'bb'), 2)
    t.equal(await send(`protocol=game&excluded=${ids[1]}`, 'cc'), 1)
    t.equal(await send('address=127.0.0.0/8&room=main', 'dd'), 2)
    t.equal(await send(`data=${encodeURIComponent('{"room":"arena"}')}`, 'ee'), 1)
    t.equal(await send('protocol=chat&room=unknown', 'ff'), 0)
    const ends = clients.map(({ socket }) => nextMessage(socket))
    t.equal(await send('raw=true', '.'), 3)
    await Promise.all(ends)
    t.same(got, [['aa', 'dd'], ['bb', 'dd'], ['aa', 'bb', 'cc', 'ee']])
    for (const query of ['ids=', 'ids=a', 'ids=5&target=3', 'protocol=chat&target=-3', 'ids=5&protocol=chat']) {
      t.equal((await api(`/packets?${query}`, text('hi'))).status, 400, query)
    }
  }
})

t.test('in multiplayer mode sends packets of the server in the format of the relay', async t => {
  const { api, join } = await startHost(t, { server: { gdMpApi: true } })
  const { id, socket } = await join()
  const one = nextMessage(socket)
  t.match(await (await api(`/peers/${id}/packets?raw=true`, binary(Uint8Array.of(7)))).json(), { bytes: 1 })
  const head = (to: number): Buffer => {
    const bytes = Buffer.from([0, 1, 0, 0, 0, 0, 0, 0, 0])
    bytes.writeInt32LE(to, 5)
    return bytes
  }
  t.same(await one, { bytes: Buffer.concat([head(id), Buffer.of(7)]), isText: false })
  const all = nextMessage(socket)
  t.same(await (await api('/packets?raw=true', text('hi'))).json(), { recipients: 1 })
  t.same(await all, { bytes: Buffer.concat([head(0), Buffer.from('hi')]), isText: false })
})

t.test('sends the largest packet, and rejects one more byte with 413', async t => {
  for (const [gdMpApi, largest] of [[false, 65536], [true, 65525]] as const) {
    const { api, join } = await startHost(t, { server: { gdMpApi } })
    const { id, socket } = await join()
    const bytes = nextMessage(socket)
    t.equal((await api(`/peers/${id}/packets`, binary(new Uint8Array(largest)))).status, 202)
    t.equal((await bytes).bytes.length, gdMpApi ? 65535 : 65536)
    for (const path of [`/peers/${id}/packets`, '/packets']) {
      const answer = await api(path, binary(new Uint8Array(largest + 1)))
      t.equal(answer.status, 413)
      t.match(await answer.json(), {
        status: 413,
        code: 'payload-too-large',
        detail: `Packet too large: at most ${largest} bytes`
      })
    }
  }
})

t.test('the limit depends on the buffer options', async t => {
  const { api, server, join } = await startHost(t, { server: { autoListen: false } })
  server.setBuffers(64, 1024, 256, 1024)
  await server.listen()
  const { id } = await join()
  t.equal((await api(`/peers/${id}/packets`, binary(new Uint8Array(200000)))).status, 202)
})

t.test('a client that sends a megabyte can read the 413 response', async t => {
  const { api } = await startHost(t)
  for (const size of [1 << 20, 1 << 23]) {
    const answer = await api('/packets', binary(new Uint8Array(size)))
    t.equal(answer.status, 413)
    t.match(await answer.json(), { code: 'payload-too-large' })
  }
})

t.test('rejects other content types with 415', async t => {
  const { api, join } = await startHost(t)
  const { id } = await join()
  for (const path of [`/peers/${id}/packets`, '/packets']) {
    for (const request of [
      jsonRequest('POST', { packet: 1 }), text('x', 'text/html'), text('x', 'text/plain; charset=iso-8859-1'),
      { method: 'POST' }, text('x', 'nonsense')
    ]) {
      const answer = await api(path, request)
      t.equal(answer.status, 415, JSON.stringify(request))
      t.match(await answer.json(), { code: 'unsupported-media-type' })
    }
    t.equal((await api(path, text('x', 'text/plain; charset=utf-8'))).status, 202)
    t.equal((await api(path, text('x', 'TEXT/Plain;charset="UTF-8"'))).status, 202)
  }
})

t.test('rejects text that is not UTF-8', async t => {
  const { api } = await startHost(t)
  const answer = await api('/packets', {
    method: 'POST',
    headers: { 'content-type': 'text/plain' },
    body: Buffer.of(0xc3, 0x28)
  })
  t.equal(answer.status, 400)
  t.match(await answer.json(), { errors: [{ pointer: '/body', message: 'must be UTF-8' }] })
})

t.test('responds with 404 for an unknown peer', async t => {
  const { api } = await startHost(t)
  for (const path of ['/peers/7/packets', '/packets?target=7', '/packets?target=1']) {
    const answer = await api(path, text('x'))
    t.equal(answer.status, 404, path)
    t.match(await answer.json(), { code: 'ERR_DOES_NOT_EXIST', godotError: 33 })
  }
})

t.test('sends nothing to a closing peer', async t => {
  for (const gdMpApi of [false, true]) {
    const { api, server, port } = await startHost(t, { server: { gdMpApi, closeTimeout: 5 } })
    const connected = nextSignal(server, gdMpApi ? 'peer_connected' : 'client_connected')
    await connectRawWebSocket(t, port)
    const [id] = await connected
    server.disconnectPeer(id)
    for (const path of [`/peers/${id}/packets`, `/packets?target=${id}`]) {
      const answer = await api(path, text('x'))
      t.equal(answer.status, 409)
      t.match(await answer.json(), { code: 'FAILED', godotError: 1 })
    }
    t.same(await (await api('/packets', text('x'))).json(), { recipients: 0 })
    sessionOf(server, id)!.destroy('server')
  }
})

t.test('responds with 503 while the buffer of a peer is full; the peer stays connected', async t => {
  for (const gdMpApi of [false, true]) {
    const { api, server, port } = await startHost(t, { server: { gdMpApi } })
    const connected = nextSignal(server, gdMpApi ? 'peer_connected' : 'client_connected')
    const raw = await connectRawWebSocket(t, port)
    const [id] = await connected
    raw.socket.pause()
    let answer = await api(`/peers/${id}/packets`, binary(new Uint8Array(60000)))
    for (let sent = 1; answer.status === 202 && sent < 1000; sent++) {
      answer = await api(`/peers/${id}/packets`, binary(new Uint8Array(60000)))
    }
    t.equal(answer.status, 503)
    t.match(Number(answer.headers.get('retry-after')), 1)
    t.match(await answer.json(), { code: 'ERR_OUT_OF_MEMORY', godotError: 6 })
    t.ok(server.getPeer(id).isOpen)
    raw.socket.destroy()
  }
})

t.test('a truncated body is not logged as a server error', async t => {
  const lines: string[] = []
  const { api, port } = await startHost(t, {
    fastify: {
      logger: {
        level: 'error',
        stream: { write: line => { lines.push(line) } }
      }
    }
  })
  const raw = await connectRaw(t, port)
  raw.send('POST /api/v1/packets HTTP/1.1\r\nHost: x\r\nContent-Type: text/plain\r\nContent-Length: 10\r\n\r\nhal')
  raw.socket.end()
  await raw.end()
  t.equal((await api('/packets', text('whole'))).status, 202)
  t.same(lines, [])
})

t.test('sends a Variant as its bytes', async t => {
  const { api, join } = await startHost(t)
  const { id, socket } = await join()
  const type = 'application/vnd.godot.variant+json'
  const variant = (body: string) => ({ method: 'POST', headers: { 'content-type': type }, body })
  const sent = nextMessage(socket)
  const answer = await api(`/peers/${id}/packets`, variant('{"at":{"Vector2":[1.5,2]},"score":7}'))
  t.equal(answer.status, 202)
  const { bytes, isText } = await sent
  t.equal(isText, false)
  t.same(decodeVariant(bytes), new Map<string, unknown>([['at', new Vector2(1.5, 2)], ['score', 7]]))
  t.match(await answer.json(), { bytes: bytes.length })
  for (const body of ['{', '{"Vector2":[1]}', '[1,', '']) {
    const refused = await api('/packets', variant(body))
    t.equal(refused.status, 400, body)
    t.match(await refused.json(), { errors: [{ pointer: '/body' }] })
  }
  t.equal((await api('/packets', variant(JSON.stringify('x'.repeat(70_000))))).status, 413)
})
