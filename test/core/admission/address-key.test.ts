import t from 'tap'
import { addressKey } from '../../../src/core/admission/address-key.ts'

const keys: Array<[address: string, key: string]> = [
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8::1', '2001:db8::'],
  ['2001:db8:0:0:ffff::2', '2001:db8::'],
  ['2001:db8:0:1::1', '2001:db8:0:1::'],
  ['', ''],
  ['unknown', 'unknown']
]

for (const [address, key] of keys) {
  t.test(`"${address}" counts as "${key}"`, async t => {
    t.equal(addressKey(address), key)
  })
}
