import t from 'tap'
import { canonicalAddress, isLoopback, parseAddressRange } from '../src/address-range.ts'
import { Random, seed } from './helper/random/random.ts'

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

t.test('a range of IPv4 has the addresses whose leading bits are equal', async t => {
  t.comment(`SEED=${seed}`)
  const random = new Random(seed)
  const address = (): number[] => Array.from({ length: 4 }, () => random.below(256))
  const bitsOf = (bytes: number[]): string => bytes.map(byte => byte.toString(2).padStart(8, '0')).join('')
  for (let length = 0; length <= 32; length++) {
    const network = address()
    const range = parseAddressRange(`${network.join('.')}/${length}`)!
    const bits = bitsOf(network).slice(0, length)
    // Any address, and one that differs in a single bit.
    const bit = random.below(32)
    const near = network.map((byte, at) => at === bit >> 3 ? byte ^ 0x80 >> (bit & 7) : byte)
    for (const other of [network, near, address()]) {
      for (const text of [other.join('.'), `::ffff:${other.join('.')}`]) {
        t.equal(range.has(text), bitsOf(other).startsWith(bits), `${text} in ${range.text}`)
      }
    }
    for (const text of ['2001:db8::1', '1.2.3', '1.2.3.4.', '01.2.3.4', '1.2.3.256']) t.notOk(range.has(text), text)
  }
})

t.test('a range of IPv6 has the addresses whose leading bits are equal', async t => {
  t.comment(`SEED=${seed}`)
  const random = new Random(seed)
  const address = (): number[] => Array.from({ length: 8 }, () => random.below(0x10000))
  const textOf = (groups: number[]): string => groups.map(group => group.toString(16)).join(':')
  const bitsOf = (groups: number[]): string => groups.map(group => group.toString(2).padStart(16, '0')).join('')
  for (let length = 0; length <= 128; length++) {
    const network = address()
    const range = parseAddressRange(`${textOf(network)}/${length}`)!
    const bits = bitsOf(network).slice(0, length)
    const bit = random.below(128)
    const near = network.map((group, at) => at === bit >> 4 ? group ^ 0x8000 >> (bit & 15) : group)
    for (const other of [network, near, address()]) {
      t.equal(range.has(textOf(other)), bitsOf(other).startsWith(bits), `${textOf(other)} in ${range.text}`)
    }
    t.ok(range.has(range.text.split('/')[0]), 'its first address')
    t.equal(parseAddressRange(range.text)!.text, range.text)
    t.notOk(range.has('192.0.2.1'))
  }
})

t.test('recognizes loopback addresses', async t => {
  for (const address of ['127.0.0.1', '127.8.8.8', '::1', '0:0:0:0:0:0:0:1', '::ffff:127.0.0.1', '::ffff:7f00:1']) {
    t.ok(isLoopback(address), address)
  }
  for (const address of ['', 'localhost', '127.1', '127.0.0.1.example', '128.0.0.1', '::', '::2']) {
    t.notOk(isLoopback(address), address)
  }
})
