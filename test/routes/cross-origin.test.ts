import t from 'tap'
import { startHost } from '../helper/host.ts'

const token = 'x'.repeat(32)
const origin = 'https://ops.example'

t.test('option origin lets pages of other origins use the REST API', async t => {
  const { api } = await startHost(t, { admin: { token, origin: [origin] } })
  const preflight = await api('/peers/7', {
    method: 'OPTIONS',
    headers: { origin, 'access-control-request-method': 'DELETE', 'access-control-request-headers': 'authorization' }
  })
  t.equal(preflight.status, 204, 'a preflight request needs no token')
  t.equal(preflight.headers.get('access-control-allow-origin'), origin)
  t.match(preflight.headers.get('access-control-allow-methods'), /DELETE/)
  t.match(preflight.headers.get('access-control-allow-headers'), /authorization/)
  const headers = { authorization: `Bearer ${token}` }
  t.equal((await api('/peers', { headers: { ...headers, origin } })).headers.get('access-control-allow-origin'), origin)
  const wrong = await api('/peers', { headers: { origin } })
  t.equal(wrong.status, 401)
  t.equal(wrong.headers.get('access-control-allow-origin'), origin, 'the page can read why')
  const other = await api('/peers', { headers: { ...headers, origin: 'https://evil.example' } })
  t.equal(other.headers.get('access-control-allow-origin'), null)
})

t.test('without option origin no page of another origin may use the REST API', async t => {
  const { api } = await startHost(t, { admin: { token } })
  const answer = await api('/peers', { headers: { origin, authorization: `Bearer ${token}` } })
  t.equal(answer.headers.get('access-control-allow-origin'), null)
})
