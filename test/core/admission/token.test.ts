import t from 'tap'
import { bearerToken, protocolToken, withoutTokens } from '../../../src/core/admission/token.ts'

t.test('reads a token from a header', async t => {
  t.equal(bearerToken('Bearer abc'), 'abc')
  t.equal(bearerToken('bearer   abc'), 'abc')
  for (const other of [undefined, '', 'Bearer', 'Bearer ', 'Basic abc', 'xBearer abc', 'Bearer a b']) {
    t.equal(bearerToken(other), undefined, String(other))
  }
})

t.test('reads a token from a subprotocol', async t => {
  const encoded = Buffer.from('a token, with anything in it: ü').toString('base64url')
  t.equal(protocolToken(`base64url.bearer.authorization.${encoded}`), 'a token, with anything in it: ü')
  t.equal(protocolToken(`base64url.bearer.authorization.k8s.io.${encoded}`), 'a token, with anything in it: ü')
  for (const other of ['', 'chat', 'base64url.bearer.authorization.', 'base64url.bearer.authorization.a b']) {
    t.equal(protocolToken(other), undefined, other)
  }
})

t.test('removes the token from a URL for the log', async t => {
  t.equal(withoutTokens('/ws?token=secret'), '/ws?token=***')
  t.equal(withoutTokens('/ws?a=1&access_token=secret&b=2'), '/ws?a=1&access_token=***&b=2')
  t.equal(withoutTokens('/ws?TOKEN=secret&token=more'), '/ws?TOKEN=***&token=***')
  t.equal(withoutTokens('/ws?tokens=3&mytoken=4'), '/ws?tokens=3&mytoken=4')
  t.equal(withoutTokens('/ws?%74oken=secret&access%5Ftoken=more&a=b'), '/ws?%74oken=***&access%5Ftoken=***&a=b')
  t.equal(withoutTokens('/ws?%=1&%ff=2&token'), '/ws?%=1&%ff=2&token')
  t.equal(withoutTokens('/ws'), '/ws')
})
