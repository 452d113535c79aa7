import t from 'tap'
import { GodotError } from '../../../src/error.ts'
import {
  checkClose, closeCode, isCloseCode, isServerCloseCode, MAX_REASON_BYTES
} from '../../../src/protocol/websocket/close-code.ts'

const borders: Array<[code: number, onTheWire: boolean, byServer: boolean]> = [
  [0, false, false],
  [999, false, false],
  [1000, true, true],
  [1003, true, true],
  [1004, false, false],
  [1005, false, false],
  [1006, false, false],
  [1007, true, true],
  [1009, true, true],
  [1010, true, false],
  [1011, true, true],
  [1014, true, true],
  [1015, false, false],
  [1016, false, false],
  [2999, false, false],
  [3000, true, true],
  [4999, true, true],
  [5000, false, false],
  [65535, false, false],
  [-1000, false, false],
  [1000.5, false, false],
  [NaN, false, false],
  [Infinity, false, false]
]

for (const [code, onTheWire, byServer] of borders) {
  t.test(`code ${code}: ${onTheWire
    ? 'valid in a frame'
    : 'invalid in a frame'}, ${byServer ? 'may' : 'must not'} be sent by a server`, async t => {
    t.equal(isCloseCode(code), onTheWire)
    t.equal(isServerCloseCode(code), byServer)
    if (byServer) t.doesNotThrow(() => checkClose(code, ''))
    else {
      const message = `Invalid close code ${code}: expected 1000-1014 (except 1004-1006, 1010) or 3000-4999`
      t.throws(() => checkClose(code, ''), { code: 'ERR_INVALID_PARAMETER', message })
    }
  })
}

t.test('of the named codes, only those that are never sent in a frame are invalid', async t => {
  const reported = Object.values(closeCode).filter(code => !isServerCloseCode(code))
  t.same(reported, [closeCode.NO_STATUS, closeCode.ABNORMAL])
})

t.test('a reason may have 123 bytes of UTF-8', async t => {
  t.equal(MAX_REASON_BYTES, 123)
  t.doesNotThrow(() => checkClose(1000, 'x'.repeat(123)))
  t.doesNotThrow(() => checkClose(1000, 'ü'.repeat(61) + 'x'))
  const message = 'Invalid close reason: expected at most 123 bytes of UTF-8'
  t.throws(() => checkClose(1000, 'x'.repeat(124)), { code: 'ERR_INVALID_PARAMETER', message })
  t.throws(() => checkClose(1000, 'ü'.repeat(62)), { code: 'ERR_INVALID_PARAMETER', message })
})

t.test('a reason must be encodable as UTF-8', async t => {
  for (const reason of ['\ud800', 'a\udc00b', '\udc00\ud800', undefined, null, 5]) {
    const message = 'Invalid close reason: expected well-formed text'
    t.throws(() => checkClose(1000, reason as string), { code: 'ERR_INVALID_PARAMETER', message })
  }
  t.doesNotThrow(() => checkClose(1000, '\ud83d\ude00'))
})

t.test('rejects a code that is not a number with an error that names it', async t => {
  for (const code of ['1000', null, undefined, {}, 1000n, Symbol('code')]) {
    t.throws(() => checkClose(code as number, ''), GodotError)
  }
})
