import t from 'tap'
import { describeHandshake } from '../../../src/core/admission/peer-handshake.ts'
import { Random, scaled, seed } from '../../helper/random/random.ts'

const describe = (url: string, headers: Record<string, string | string[] | undefined> = {}) =>
  JSON.parse(describeHandshake(url, headers)) as { url: string, headers: Record<string, string> }

const carrier = `base64url.bearer.authorization.${Buffer.from('hunter2').toString('base64url')}`

t.test('shows headers that hold no secret, and only the names of all others', async t => {
  t.same(describe('/ws/arena?token=hunter2&user=ann&Access_Token=hunter2', {
    host: 'game.example',
    'user-agent': 'Godot',
    origin: 'https://game.example',
    'sec-websocket-extensions': 'permessage-deflate',
    'sec-websocket-protocol': `chat, ${carrier},v2`,
    'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==',
    'x-forwarded-for': '192.0.2.7',
    authorization: 'Bearer hunter2',
    'proxy-authorization': 'Basic hunter2',
    cookie: 'session=hunter2',
    referer: 'https://game.example/?token=hunter2',
    'x-api-key': 'hunter2',
    'x-game-token': 'hunter2',
    'x-forwarded-for-token': 'hunter2'
  }), {
    url: '/ws/arena?token=***&user=ann&Access_Token=***',
    headers: {
      host: 'game.example',
      'user-agent': 'Godot',
      origin: 'https://game.example',
      'sec-websocket-extensions': 'permessage-deflate',
      'sec-websocket-protocol': 'chat, ***, v2',
      'sec-websocket-key': '***',
      'x-forwarded-for': '192.0.2.7',
      authorization: '***',
      'proxy-authorization': '***',
      cookie: '***',
      referer: '***',
      'x-api-key': '***',
      'x-game-token': '***',
      'x-forwarded-for-token': '***'
    }
  })
})

t.test('masks a subprotocol that is as long as a token', async t => {
  const token = 'eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJhbm4ifQ.c2lnbmF0dXJl'
  t.match(describe('/ws', { 'sec-websocket-protocol': `access_token,${token}` }), {
    headers: { 'sec-websocket-protocol': 'access_token, ***' }
  })
})

t.test('takes a few KiB at most, however large the request is', async t => {
  t.comment(`SEED=${seed}`)
  const random = new Random(seed)
  for (let i = 0; i < scaled(100); i++) {
    const text = (): string => random.bytes(random.pick([0, 10, 300, 8000])).toString('latin1')
    const headers = Object.fromEntries(Array.from({ length: random.below(100) }, () => [text(), text()]))
    const { url } = describe(`/${text()}`, { ...headers, 'user-agent': text(), __proto__: text() as never })
    t.ok(url.length <= 503)
    t.ok(describeHandshake(`/${text()}`, headers).length < 20_000)
  }
})
