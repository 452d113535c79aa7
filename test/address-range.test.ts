import t from 'tap'
import { canonicalAddress, parseAddressRange } from '../src/address-range.ts'

const spellings: Array<[canonical: string, spellings: string[]]> = [
  ['203.0.113.9', [
    '203.0.113.9', '::ffff:203.0.113.9', '::FFFF:203.0.113.9', '::ffff:cb00:7109', '0:0:0:0:0:ffff:cb00:7109',
    '0000:0000:0000:0000:0000:ffff:203.0.113.9', '203.0.113.9:50001', '"203.0.113.9:50001"',
    '[::ffff:203.0.113.9]:50001', '::ffff:203.0.113.9%eth0'
  ]],
  ['2001:db8::1', [
    '2001:db8::1', '2001:DB8::1', '2001:0db8:0000:0000:0000:0000:0000:0001', '2001:db8:0:0:0:0:0:1', '[2001:db8::1]',
    '[2001:db8::1]:50001', '"[2001:db8::1]:50001"'
  ]],
  ['fe80::1', ['fe80::1', 'fe80::1%eth0', '[fe80::1%25eth0]:80', 'FE80:0::0:1']],
  ['::1', ['::1', '0:0:0:0:0:0:0:1', '[::1]:3000']]
]

for (const [canonical, texts] of spellings) {
  for (const text of texts) {
    t.test(`${text} is ${canonical}`, async t => {
      t.equal(canonicalAddress(text, '192.0.2.1'), canonical)
      t.ok(parseAddressRange(canonical)!.has(canonicalAddress(text)))
    })
  }
}

for (const text of [
  '', 'unknown', '_hidden', 'localhost', '127.1', '0x7f000001', '1.2.3.256', '1.2.3.04', '1.2.3.4.5', '1.2.3.4:',
  '1.2.3.4:123456', '1.2.3.4, 5.6.7.8', '[1.2.3.4', '2001:db8::1::2', '10.0.0.0/8', '"',
  'x'.repeat(5000), `${'0'.repeat(5000)}1.2.3.4`
]) {
  t.test(`${JSON.stringify(text.slice(0, 30))} is not an address`, async t => {
    t.equal(canonicalAddress(text), '')
    t.equal(canonicalAddress(text, '::ffff:192.0.2.1'), '192.0.2.1')
  })
}
