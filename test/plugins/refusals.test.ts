import type { Test } from 'tap'
import t from 'tap'
import type { ServerOptions, WebSocketServer } from '../../index.ts'
import { errors } from '../../src/error.ts'
import type { ErrorCode } from '../../src/error.ts'
import { stopTime } from '../helper/clock.ts'
import { modes, openServer } from '../helper/sockets/modes.ts'
import { connectRaw, connectRawWebSocket, upgradeRequest } from '../helper/sockets/raw-socket.ts'
import { until } from '../helper/until.ts'

/** A refusal: how the server is prepared, and the refused request. */
interface Row {
  readonly options?: Partial<ServerOptions>
  readonly headers?: Record<string, string | undefined>
  readonly path?: string
  readonly prepare?: (server: WebSocketServer, t: Test) => unknown
  /** Milliseconds that pass once the request is pending. */
  readonly pending?: number
  /** If it is not the status of the error code. */
  readonly status?: number
}

/** How often onHandshake was called that never answers. */
let asked = 0
const never = async (): Promise<never> => {
  asked++
  return await new Promise(() => {})
}
const page = { Origin: 'https://evil.example' }

/** Every code that a handshake can be refused with, and its causes. */
const refusals: Partial<Record<ErrorCode, Record<string, Row>>> = {
  'upgrade-required': { 'no Upgrade': { headers: { Upgrade: undefined, Connection: undefined } } },
  'bad-handshake': {
    'another version': { headers: { 'Sec-WebSocket-Version': '12' } },
    'no version': { headers: { 'Sec-WebSocket-Version': undefined } },
    'no key': { headers: { 'Sec-WebSocket-Key': undefined } }
  },
  'sub-protocol-mismatch': {
    'none supported': { headers: { 'Sec-WebSocket-Protocol': 'chat' } },
    'none requested': { options: { protocols: ['chat'] } },
    'another one requested': { options: { protocols: ['chat', 'game'] }, headers: { 'Sec-WebSocket-Protocol': 'talk' } }
  },
  'origin-refused': {
    'another host': { headers: page },
    'not listed': { options: { allowedOrigins: ['https://game.example'] }, headers: page }
  },
  banned: {
    'with a reason': { prepare: server => { server.ban('127.0.0.1', { reason: 'rude' }) } },
    'without a reason': { prepare: server => { server.ban('127.0.0.1') } }
  },
  'join-refused': {
    'with a status of its own': {
      options: { onHandshake: () => ({ status: 418, reason: 'who are you?' }) },
      status: 418
    },
    'with a status that asks to retry': { options: { onHandshake: () => ({ status: 429 }) }, status: 429 },
    'with a status that has no name': { options: { onHandshake: () => ({ status: 499, reason: 'é' }) }, status: 499 }
  },
  'join-failed': { 'onHandshake throws': { options: { onHandshake: () => { throw new Error('secret') } } } },
  'server-full': {
    'by a peer': { options: { maxPeers: 1 }, prepare: async (server, t) => await connectRawWebSocket(t, server.port) }
  },
  'too-many-handshakes': {
    'one is pending': {
      options: { maxPendingHandshakes: 1, onHandshake: never },
      prepare: async (server, t) => {
        (await connectRaw(t, server.port)).send(upgradeRequest('/ws'))
        await until(() => server.countPeers().pending > 0)
      }
    }
  },
  'invalid-room-name': {
    'in the path': { options: { rooms: true }, path: '/ws/a%20b' },
    'in the query': { options: { rooms: true }, path: '/ws?room=' },
    'chosen by onHandshake': { options: { rooms: true, onHandshake: () => ({ room: 'a b' }) } }
  },
  'room-not-found': {
    'clients may not open it': { options: { rooms: { create: 'admin' } }, path: '/ws/a' },
    'without option rooms': { options: { onHandshake: () => ({ room: 'a' }) } }
  },
  'room-locked': {
    'by the application': {
      options: { rooms: true }, path: '/ws/a', prepare: server => { server.openRoom('a', { locked: true }) }
    }
  },
  'room-full': {
    'by a peer': {
      options: { rooms: { maxPeersPerRoom: 1 } },
      path: '/ws/a',
      prepare: async (server, t) => await connectRawWebSocket(t, server.port, '/ws/a')
    }
  },
  'too-many-rooms': {
    'by another room': {
      options: { rooms: { maxRooms: 1 } }, path: '/ws/a', prepare: server => { server.openRoom('b') }
    }
  },
  'room-rate': {
    'by another room': {
      options: { rooms: { joinPerMinute: 1 } },
      path: '/ws/a',
      prepare: async (server, t) => await connectRawWebSocket(t, server.port, '/ws/b')
    }
  },
  'refusing-connections': { 'from the start': { options: { refuseNewConnections: true } } },
  'handshake-timeout': {
    'onHandshake takes too long': { options: { handshakeTimeout: 2, onHandshake: never }, pending: 2000 }
  }
}

/** All bytes of the response until the connection ends; `sent` is awaited once the request is sent. */
async function answer (
  t: Test, port: number, headers: Row['headers'] = {}, path: string = '/ws', sent: () => unknown = () => {}
): Promise<string> {
  const raw = await connectRaw(t, port)
  raw.send(upgradeRequest(path, headers))
  await sent()
  await raw.end()
  raw.socket.destroy()
  return raw.unread.toString('latin1')
}

for (const [code, rows] of Object.entries(refusals) as Array<[ErrorCode, Record<string, Row>]>) {
  for (const [what, row] of Object.entries(rows)) {
    const { options, headers, path, prepare, pending, status = errors[code].status } = row
    t.test(`${code}, ${what}: endpoint and listener send the same bytes`, async t => {
      const clock = pending === undefined ? undefined : stopTime(t)
      const answers: string[] = []
      for (const mode of modes) {
        const server = await openServer(t, mode, options)
        await prepare?.(server, t)
        const before = asked
        const bytes = await answer(t, server.port, headers, path, async () => {
          if (pending === undefined) return
          await until(() => asked > before)
          clock?.advance(pending)
        })
        answers.push(bytes)
        const [head, body] = bytes.split('\r\n\r\n')
        t.match(head, new RegExp(`^HTTP/1\\.1 ${status} .+\r\nConnection: close\r\nContent-Type: ` +
          'application/problem\\+json\r\nContent-Length: \\d+'))
        t.equal(/^Retry-After: \d+$/m.test(head), status === 429 || status === 503)
        t.equal(/^Upgrade: websocket$/m.test(head), status === 426)
        t.match(JSON.parse(body), { type: 'about:blank', title: errors[code].message, status, code })
        t.notMatch(bytes, 'secret')
      }
      t.equal(answers[0], answers[1])
    })
  }
}

/** Requests whose target, or header lines added to the usual ones, may be read in several ways. */
const readings: ReadonlyArray<[path: string, ...lines: string[]]> = [
  ['/ws/'],
  ['/ws/?room=b'],
  ['/ws/a?room=b'],
  ['/ws?x?room=b'],
  ['/ws?room=a&room=b'],
  ['/ws/%61'],
  ['/ws/a%2Fb'],
  ['/ws/a#b'],
  ['/ws/a#b?c'],
  ['/ws#?room=b'],
  ['http://example.com/ws/a?room=b'],
  ['HTTP://example.com/ws?room=b'],
  ['/ws?token=%zz'],
  ['/ws', 'Origin: http://127.0.0.1', 'Origin: https://evil.example'],
  ['/ws', 'X-Odd: \t a\tb \t'],
  ['/ws', 'X-Odd: a\xa0'],
  ['/ws', 'X-Odd:'],
  ['/ws', 'Sec-WebSocket-Key: x'],
  ['/ws', 'Sec-WebSocket-Version: 13'],
  ['/ws', 'Sec-WebSocket-Protocol: a, a', 'Sec-WebSocket-Protocol: token.b'],
  ['/ws', 'Upgrade: h2c'],
  ['/ws', 'Expect: 100-continue'],
  ['/ws', 'Content-Length: 5'],
  ['/ws', 'Transfer-Encoding: chunked'],
  ...[
    'Age', 'Authorization', 'Content-Type', 'Cookie', 'Date', 'ETag', 'Expires', 'From', 'Host', 'If-Modified-Since',
    'If-Unmodified-Since', 'Last-Modified', 'Location', 'Max-Forwards', 'Proxy-Authorization', 'Referer', 'Retry-After',
    'Server', 'User-Agent', 'X-Forwarded-For'
  ].map((name): [string, ...string[]] => ['/ws', `${name}: Bearer a`, `${name}: Bearer b`])
]

for (const [path, ...lines] of readings) {
  t.test(`endpoint and listener read ${[path, ...lines].join(', ')} alike`, async t => {
    const answers: string[] = []
    for (const mode of modes) {
      const onHandshake: ServerOptions['onHandshake'] = request => {
        return { status: 418, reason: JSON.stringify({ ...request, port: 0 }) }
      }
      const server = await openServer(t, mode, { rooms: true, onHandshake })
      const raw = await connectRaw(t, server.port)
      const [head] = upgradeRequest(path).split('\r\n\r\n')
      raw.send(Buffer.from([head, ...lines, '', ''].join('\r\n'), 'latin1'))
      await raw.end()
      answers.push(raw.unread.toString())
    }
    t.match(answers[0], /^HTTP\/1\.1 4\d\d /)
    t.equal(answers[0], answers[1])
  })
}

// Loopback is exempt, so a listener here cannot refuse with these.
for (const [code, options] of [['address-limit', {
  maxPeersPerAddress: 1
}], ['join-rate', { maxJoinsPerMinute: 1 }]] as const) {
  t.test(`${code}, behind a trusted proxy`, async t => {
    const server = await openServer(t, 'mounted', options, { trustProxy: '127.0.0.1' })
    const headers = { 'X-Forwarded-For': '192.0.2.7' }
    await connectRawWebSocket(t, server.port, '/ws', headers)
    const bytes = await answer(t, server.port, headers)
    t.match(
      bytes,
      /^HTTP\/1\.1 429 Too Many Requests\r\nConnection: close\r\n[^]*\r\nRetry-After: 1\r\n\r\n{"type":"about:blank"/
    )
    t.equal(JSON.parse(bytes.split('\r\n\r\n')[1]).code, code)
  })
}

t.test('every code of a refused handshake has a row', t => {
  // test/cluster/modes.test.ts has cluster-unavailable.
  const others = ['address-limit', 'join-rate', 'not-listening', 'cluster-unavailable']
  const handshakeCodes = Object.keys(errors)
    .filter(code => !/^(ERR_|FAILED$|lobby-)/.test(code) && !others.includes(code))
  t.same(handshakeCodes.filter(code => !(code in refusals)), [])
  t.end()
})

t.test('not-listening: the endpoint responds while the server does not listen', async t => {
  const server = await openServer(t, 'mounted')
  const { port } = server
  await server.stop()
  t.match(await answer(
    t, port
  ), /^HTTP\/1\.1 503 Service Unavailable\r\nConnection: close\r\n[^]*\r\nRetry-After: 1\r\n\r\n{.*"code":"not-listening"}$/)
})

for (const mode of modes) {
  t.test(`not-listening: a pending handshake is refused when the server stops: ${mode}`, async t => {
    let asked = false
    const server = await openServer(t, mode, { onHandshake: async () => await new Promise(() => { asked = true }) })
    const pending = answer(t, server.port)
    await until(() => asked)
    await server.stop()
    t.match(
      await pending,
      /^HTTP\/1\.1 503 Service Unavailable\r\nConnection: close\r\n[^]*\r\nRetry-After: 1\r\n\r\n{.*"code":"not-listening"}$/
    )
  })
}
