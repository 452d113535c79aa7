import { request as httpRequest } from 'node:http'
import t, { type Test } from 'tap'
import { jsonRequest, startHost, type JsonResponse, type Host } from '../helper/host.ts'
import { connectRaw, upgradeRequest } from '../helper/sockets/raw-socket.ts'

// Invalid requests, and the place of the error that the response names.

t.test('rejects bad input', async t => {
  const host = await startHost(t)
  const { id } = await host.join()

  const badIds = [
    'abc', '1', '0', '-5', '5.5', '2147483648', '0x10', '1e3', '05', '%205', '5%20', '+5', '%00', '-0', 'NaN',
    'Infinity', '5.0', '9007199254740993', '%EF%BC%95', 'null', '1e999'
  ]
  const badCodes = [999, 1004, 1005, 1006, 1010, 1015, 1016, 2999, 5000, 1000.5, -1000, 0]
  const badReasons = ['x'.repeat(124), 'é'.repeat(62), '\u{1F600}'.repeat(31)]

  for (const bad of badIds) {
    await t.test(`rejects the id ${bad}`, async t => {
      for (const [method, path] of [
        ['GET', ''], ['HEAD', ''], ['DELETE', ''], ['GET', '/exists'], ['GET', '/address'], ['GET', '/port']
      ]) {
        const answer = await host.api(`/peers/${bad}${path}`, { method })
        t.equal(answer.status, 400, `${method} ${path}`)
        if (method !== 'HEAD') await names(t, answer, '/params/id')
      }
      const answer = await host.api(`/peers/${bad}/packets`, {
        method: 'POST',
        headers: { 'content-type': 'text/plain' },
        body: 'x'
      })
      await names(t, answer, '/params/id')
    })
  }

  for (const code of badCodes) {
    await t.test(`rejects the close code ${code}`, async t => {
      await names(t, await host.api(`/peers/${id}?code=${code}`, { method: 'DELETE' }), '/query/code')
      for (const path of ['/server/stop', '/peers/disconnect']) {
        await names(t, await host.api(path, jsonRequest('POST', { all: true, code })), '/body/code')
      }
      t.ok(host.server.getPeer(id).isOpen)
    })
  }

  for (const code of ['1000', null, true, [1000], {}]) {
    await t.test(`rejects the close code ${JSON.stringify(code)} in JSON`, async t => {
      for (const path of ['/server/stop', '/peers/disconnect']) {
        await names(t, await host.api(path, jsonRequest('POST', { all: true, code })), '/body/code')
      }
    })
  }

  for (const code of ['', '01000', '1e3', '0x3e8', '1000.5', 'abc', '1000&code=1001']) {
    await t.test(`rejects the close code ${code} in the query`, async t => {
      await names(t, await host.api(`/peers/${id}?code=${code}`, { method: 'DELETE' }), '/query/code')
    })
  }

  for (const reason of badReasons) {
    await t.test(`rejects a reason of ${Buffer.byteLength(reason)} bytes`, async t => {
      await names(t, await host.api(`/peers/${id}?reason=${encodeURIComponent(reason)}`, {
        method: 'DELETE'
      }), '/query/reason')
      for (const path of ['/server/stop', '/peers/disconnect']) {
        await names(t, await host.api(path, jsonRequest('POST', { all: true, reason })), '/body/reason')
      }
    })
  }

  for (const reason of ['\ud800', 'a\udc00b', '\udc00\ud800']) {
    await t.test(`rejects a reason with a lone surrogate: ${JSON.stringify(reason)}`, async t => {
      for (const path of ['/server/stop', '/peers/disconnect']) {
        await names(t, await host.api(path, jsonRequest('POST', { all: true, reason })), '/body/reason')
      }
    })
  }

  await t.test('rejects a reason that is not a string', async t => {
    for (const reason of [1, null, ['x']]) {
      await names(t, await host.api('/server/stop', jsonRequest('POST', { reason })), '/body/reason')
    }
  })

  await t.test('accepts the longest reason', async t => {
    const mine = await startHost(t)
    for (const reason of ['x'.repeat(123), 'é'.repeat(61)]) {
      const { id } = await mine.join()
      t.equal((await mine.api(`/peers/${id}?reason=${encodeURIComponent(reason)}`, { method: 'DELETE' })).status, 202)
    }
  })

  for (const [name, method, path, body, pointer] of [
    ['of a query', 'GET', '/peers?limit=5&colour=red', undefined, '/query/colour'],
    ['of the query of a list, with a wrong case', 'GET', '/peers?Limit=5', undefined, '/query/Limit'],
    ['of the query of a DELETE', 'DELETE', `/peers/${id}?force=1`, undefined, '/query/force'],
    ['of the query of a packet', 'POST', '/packets?to=1', undefined, '/query/to'],
    ['of the body of listen', 'POST', '/server/listen', { prot: 80 }, '/body/prot'],
    ['of the body of stop', 'POST', '/server/stop', { wait: 1 }, '/body/wait'],
    ['of the body of a change', 'PATCH', '/server', { path: '/x' }, '/body/path'],
    ['of a selection', 'POST', '/peers/disconnect', { all: true, id: 5 }, '/body/id'],
    ['of a filter', 'POST', '/peers/disconnect', { filter: { name: 'x' } }, '/body/filter/name'],
    ['with a name that needs escaping', 'PATCH', '/server', { 'a/b~c': 1 }, '/body/a~1b~0c']
  ] as const) {
    await t.test(`rejects an unknown property ${name}`, async t => {
      const init = body === undefined
        ? {
            method,
            ...(method === 'POST' ? { headers: { 'content-type': 'text/plain' }, body: 'x' } : {})
          }
        : jsonRequest(method, body)
      await names(t, await host.api(path, init), pointer)
    })
  }

  for (const [name, method, path, body, pointer] of [
    ['a port that is a string', 'POST', '/server/listen', { port: '80' }, '/body/port'],
    ['a port above 65535', 'POST', '/server/listen', { port: 65536 }, '/body/port'],
    ['a negative port', 'POST', '/server/listen', { port: -1 }, '/body/port'],
    ['a fractional port', 'POST', '/server/listen', { port: 80.5 }, '/body/port'],
    ['protocols that are not an array', 'POST', '/server/listen', { protocols: 'chat' }, '/body/protocols'],
    ['protocols that are not strings', 'POST', '/server/listen', { protocols: [1] }, '/body/protocols/0'],
    ['a boolean as a string', 'POST', '/server/listen', { gdMpApi: 'true' }, '/body/gdMpApi'],
    ['a duration as a string', 'PATCH', '/server', { handshakeTimeout: '3' }, '/body/handshakeTimeout'],
    ['a duration of 0', 'PATCH', '/server', { handshakeTimeout: 0 }, '/body/handshakeTimeout'],
    ['a negative duration', 'PATCH', '/server', { handshakeTimeout: -1 }, '/body/handshakeTimeout'],
    ['a duration above the maximum', 'PATCH', '/server', { handshakeTimeout: 1e9 }, '/body/handshakeTimeout'],
    ['a number instead of true', 'PATCH', '/server', { refuseNewConnections: 1 }, '/body/refuseNewConnections'],
    ['ids as strings', 'POST', '/peers/disconnect', { ids: ['5'] }, '/body/ids/0'],
    ['ids that include the server', 'POST', '/peers/disconnect', { ids: [5, 1] }, '/body/ids/1'],
    ['no ids', 'POST', '/peers/disconnect', { ids: [] }, '/body/ids'],
    ['an empty filter', 'POST', '/peers/disconnect', { filter: {} }, '/body/filter'],
    ['a filter by an invalid address', 'POST', '/peers/disconnect', {
      filter: { address: '10.0.0.0/33' }
    }, '/body/filter/address'],
    ['false instead of true', 'POST', '/peers/disconnect', { all: false }, '/body/all'],
    ['nobody named', 'POST', '/peers/disconnect', {}, '/body'],
    ['exceptions without a selection', 'POST', '/peers/disconnect', { excluded: [5] }, '/body'],
    ['two kinds of selection', 'POST', '/peers/disconnect', { all: true, ids: [5] }, '/body'],
    ['an array as body', 'PATCH', '/server', [], '/body'],
    ['a string as body', 'PATCH', '/server', 'x', '/body'],
    ['a number as body', 'PATCH', '/server', 5, '/body'],
    ...[
      ['POST', '/server/listen'], ['POST', '/server/stop'], ['PATCH', '/server'], ['POST', '/rooms'],
      ['PATCH', '/rooms/main'], ['POST', '/peers/disconnect'], ['POST', '/peers/ban'], ['POST', '/bans']
    ].map(([method, path]) => [`null as body of ${method} ${path}`, method, path, null, '/body'] as const)
  ] as const) {
    await t.test(name, async t => {
      await names(t, await host.api(path, jsonRequest(method, body)), pointer)
      t.ok(host.server.getPeer(id).isOpen)
    })
  }

  for (const limit of ['0', '1001', '-1', '1.5', 'all', '', '0x10', '1e2', '010', '%201', '1&limit=2']) {
    await t.test(`rejects the limit ${limit}`, async t => {
      await names(t, await host.api(`/peers?limit=${limit}`), '/query/limit')
    })
  }

  for (const target of ['2147483648', '-2147483648', '1.5', 'all', '', '0x10', '1e3', '05', '+5']) {
    await t.test(`rejects the target ${target}`, async t => {
      const answer = await host.api(`/packets?target=${encodeURIComponent(target)}`, {
        method: 'POST',
        headers: { 'content-type': 'text/plain' },
        body: 'x'
      })
      await names(t, answer, '/query/target')
    })
  }

  for (const wait of ['-1', '10.1', 'long', '', '1e1', 'Infinity', 'NaN']) {
    await t.test(`rejects the wait ${wait}`, async t => {
      await names(t, await host.api(`/peers/${id}?wait=${wait}`, { method: 'DELETE' }), '/query/wait')
    })
  }

  for (const address of [
    '', 'home', '1', '127.1', '0x7f.0.0.1', '127.0.0.1/33', '127.0.0.1/', '127.0.0.1/-1', '127.0.0.1/08', '::1/129',
    '::g', '10.0.0.0/8/8', '256.0.0.1', '127.0.0.01'
  ]) {
    await t.test(`rejects the address ${address}`, async t => {
      await names(t, await host.api(`/peers?address=${encodeURIComponent(address)}`), '/query/address')
    })
  }

  await t.test('rejects a forged cursor', async t => {
    const mine = await startHost(t)
    for (let i = 0; i < 3; i++) await mine.join()
    const { nextCursor } = await (await mine.api('/peers?limit=1')).json()
    const other = nextCursor.startsWith('A') ? 'B' : 'A'
    const forged = ['', 'abc', '5', 'AAAAAA', Buffer.from('5')
      .toString('base64url'), Buffer.from('{"id":5}').toString('base64url'), 'x'.repeat(5000), '%00',
    other + nextCursor.slice(1), nextCursor.slice(
      0, -1
    ), `${nextCursor}=`, `${nextCursor}A`, `${nextCursor}&cursor=${nextCursor}`, Buffer.alloc(12).toString('base64url')]
    for (const cursor of forged) await names(t, await mine.api(`/peers?cursor=${cursor}`), '/query/cursor')
    t.equal((await mine.api(`/peers?cursor=${nextCursor}`)).status, 200)
  })

  for (const [name, body] of [
    ['broken', '{"code":'],
    ['empty', ''],
    ['with a trailing comma', '{"code":1000,}'],
    ['with __proto__', '{"__proto__":{"code":1000}}'],
    ['with a deep __proto__', '{"code":1000,"reason":{"__proto__":{}}}'],
    ['with constructor.prototype', '{"constructor":{"prototype":{"code":1000}}}']
  ]) {
    await t.test(`rejects JSON ${name}`, async t => {
      for (const [method, path] of [
        ['POST', '/server/listen'], ['POST', '/server/stop'], ['PATCH', '/server'], ['POST', '/peers/disconnect']
      ]) {
        const answer = await host.api(path, { method, headers: { 'content-type': 'application/json' }, body })
        t.equal(answer.status, 400, path)
        t.match(await answer.json(), { status: 400, code: 'bad-request', detail: String })
      }
      t.ok(host.server.isListening())
    })
  }

  await t.test('rejects a body of another content type, or of none', async t => {
    const expected = 'Unsupported content type: expected application/json'
    const untyped = await host.app.inject({ method: 'POST', url: '/api/v1/server/stop', payload: '{}' })
    t.match(untyped.json(), { status: 415, code: 'unsupported-media-type', detail: expected })
    for (const type of [
      'text/plain',
      'application/octet-stream',
      'application/xml',
      'application/x-www-form-urlencoded',
      'application/jsonx',
      'nonsense'
    ]) {
      for (const [method, path] of [
        ['POST', '/server/stop'], ['PATCH', '/server'], ['POST', '/peers/disconnect'], ['POST', '/server/listen']
      ]) {
        const answer = await host.api(path, { method, headers: { 'content-type': type }, body: '{}' })
        t.equal(answer.status, 415, `${type} ${path}`)
        const detail = type === 'nonsense' ? String : expected
        t.match(await answer.json(), { status: 415, code: 'unsupported-media-type', detail })
      }
    }
  })

  for (const count of [9, 100, 80_000]) {
    await t.test(`reports the first of ${count} unknown properties, in linear time`, async t => {
      const members = Object.fromEntries(Array.from({ length: count }, (_, i) => [`m${i}`, 1]))
      for (const [method, path, body, pointer] of [
        ['PATCH', '/server', members, '/body/m0'],
        ['PATCH', '/server', { ...members, handshakeTimeout: 'x' }, '/body/m0'],
        ['POST', '/peers/disconnect', { filter: members }, '/body/filter/m0'],
        ['POST', '/peers/disconnect', { ids: Object.keys(members) }, '/body/ids/0'],
        ['POST', '/peers/disconnect', { ids: [members] }, '/body/ids/0'],
        ['POST', '/server/listen', { protocols: Array.from({ length: count }, () => 1) }, '/body/protocols/0'],
        ['POST', '/bans', members, '/body/m0']
      ] as const) {
        const request = jsonRequest(method, body)
        const parsing = cpuTimeSince(process.cpuUsage(), JSON.parse(request.body as string))
        const began = process.cpuUsage()
        const answer = await host.api(path, request)
        const checking = cpuTimeSince(began)
        const problem = await answer.clone().json() as any
        t.ok(problem.errors.length >= 1 && problem.errors.length <= 8, `${problem.errors.length} errors`)
        t.ok(problem.detail.length < 1000)
        // In quadratic time it would be a thousand times as much.
        if (count === 80_000) t.ok(checking < 200 * parsing, `${checking / parsing} times its JSON: ${method} ${path}`)
        await names(t, answer, pointer)
      }
    })
  }

  await t.test('rejects many unknown query parameters', async t => {
    const answer = await host.api(`/peers?${Array.from({ length: 2000 }, (_, i) => `a${i}`).join('&')}`)
    t.equal((await answer.clone().json() as any).errors.length, 8)
    await names(t, answer, '/query/a0')
  })

  await t.test('rejects an unknown property with a very long name', async t => {
    const answer = await host.api('/server', jsonRequest('PATCH', { ['x'.repeat(1 << 19)]: 1 }))
    const { detail, errors: [{ pointer }] } = await answer.json()
    t.ok(detail.length < 300)
    t.match(pointer, /^\/body\/x{100}\.\.\.$/)
  })

  await t.test('rejects a body over one megabyte', async t => {
    const answer = await host.api('/server/stop', jsonRequest('POST', { reason: 'x'.repeat(1 << 20) }))
    t.equal(answer.status, 413)
    t.match(await answer.json(), { status: 413, code: 'payload-too-large' })
  })

  await t.test('responds with 404 to unknown paths', async t => {
    for (const path of ['', '/', '/nothing', '/peers/5/colour', '/server/', '/peers/', `/peers/${id}/`, '/%00']) {
      const answer = await host.api(path)
      t.ok([400, 404].includes(answer.status), `${path}: ${answer.status}`)
      t.match(answer.headers.get('content-type'), /^application\/problem\+json/, path)
      t.match(await answer.json(), { status: answer.status, code: /^(not-found|bad-request)$/ })
    }
  })

  await t.test('responds with 400 to a path that cannot be decoded', async t => {
    t.equal((await host.api('/peers/%FF')).status, 400)
  })

  await t.test('responds with 400 to the room names . and .., which URL parsers resolve', async t => {
    for (const path of ['/rooms/.', '/rooms/..', '/rooms/%2E%2e', '/rooms/../peers', '/peers?room=..']) {
      const raw = await connectRaw(t, host.port)
      raw.send(`GET /api/v1${path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n`)
      const { status, body } = await raw.response()
      t.equal(status, 400, path)
      t.match(JSON.parse(body), { errors: [{ pointer: path.includes('?') ? '/query/room' : '/params/room' }] }, path)
    }
    await names(t, await host.api('/rooms', jsonRequest('POST', { name: '..' })), '/body/name')
  })

  for (const [method, path, allow] of [
    ['DELETE', '/server', 'GET, HEAD, PATCH'],
    ['POST', '/server/listening', 'GET, HEAD'],
    ['GET', '/server/listen', 'POST'],
    ['PUT', '/server/stop', 'POST'],
    ['PATCH', '/peers', 'GET, HEAD'],
    ['POST', `/peers/${id}`, 'HEAD, GET, DELETE'],
    ['PUT', '/peers/disconnect', 'POST'],
    ['GET', '/packets', 'POST'],
    ['PUT', '/rooms', 'GET, HEAD, POST'],
    ['POST', '/rooms/main', 'GET, HEAD, PATCH, DELETE'],
    ['DELETE', '/rooms/main/peers', 'GET, HEAD'],
    ['GET', '/rooms/main/packets', 'POST'],
    ['DELETE', `/peers/${id}/packets`, 'POST'],
    ['TRACE', '/server', 'GET, HEAD, PATCH']
  ]) {
    await t.test(`responds with 405 to ${method} ${path.replace(String(id), '{id}')}`, async t => {
      // Unlike `fetch` it sends any method.
      const answer = await host.app.inject({ method: method as 'GET', url: `/api/v1${path}` })
      t.equal(answer.statusCode, 405)
      t.same(String(answer.headers.allow).split(', ').sort(), allow.split(', ').sort())
      t.match(answer.json(), { status: 405, code: 'method-not-allowed' })
    })
  }

  await t.test('rejects unusual methods', async t => {
    for (const method of ['OPTIONS', 'TRACE', 'PROPFIND', 'PURGE', 'REPORT']) {
      t.ok([400, 404, 405].includes(await status(host, method, '/api/v1/server')), method)
    }
  })

  await t.test('refuses an upgrade of a REST path', async t => {
    for (const path of [
      '/api/v1/server', '/api/v1/peers', `/api/v1/peers/${id}`, '/api/v1/packets', '/api/v1/nothing',
      '/api/v1/peers/abc', '/api/v1/server/listen'
    ]) {
      const raw = await connectRaw(t, host.port)
      raw.send(upgradeRequest(path))
      const { status, headers, body } = await raw.response()
      t.equal(status, 400, path)
      t.match(headers['content-type'], /^application\/problem\+json/)
      t.match(JSON.parse(body), { code: 'bad-handshake' })
      await raw.end()
    }
  })

  await t.test('responds with 426 to the endpoint without an upgrade', async t => {
    const answer = await host.get('/ws')
    t.equal(answer.status, 426)
    t.equal(answer.headers.get('upgrade'), 'websocket')
    t.match(await answer.json(), { code: 'upgrade-required' })
  })

  await t.test('the peer is still connected after all these requests', async t => {
    t.match(await (await host.api(`/peers/${id}`)).json(), { state: 'open' })
  })
})

/** CPU time of this process since then; the other arguments are what it was used for. */
function cpuTimeSince (began: NodeJS.CpuUsage, ..._done: unknown[]): number {
  const { user, system } = process.cpuUsage(began)
  return user + system
}

/** Checks that the response is a 400 that names `pointer`. */
async function names (t: Test, answer: JsonResponse, pointer: string): Promise<void> {
  const problem = await answer.json()
  t.equal(answer.status, 400, JSON.stringify(problem))
  t.match(answer.headers.get('content-type'), /^application\/problem\+json/)
  t.match(problem, { type: 'about:blank', title: 'Bad Request', status: 400, code: 'bad-request', instance: String })
  t.ok(problem.errors?.some((error: { pointer: string, message: string }) =>
    error.pointer === pointer && error.message !== ''), `${pointer} in ${JSON.stringify(problem)}`)
}

/** The response status for a method that fetch cannot send. */
async function status ({ port }: Host, method: string, path: string): Promise<number> {
  return await new Promise((resolve, reject) => {
    httpRequest({ port, host: '127.0.0.1', method, path }, answer => {
      answer.resume()
      resolve(answer.statusCode!)
    }).on('error', reject).end()
  })
}
