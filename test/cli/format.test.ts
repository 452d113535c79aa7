import t from 'tap'
import { brief, bytes, duration, endpoint, fit, printable, sparkline, table } from '../../src/cli/format.ts'

t.test('numbers are brief', async t => {
  t.same([0.25, 9.96, 42, 1234, 1234567].map(brief), ['0.3', '10', '42', '1.23K', '1.23M'])
  t.same([0, 1023, 1024, 1536, 123456, 2 ** 50].map(bytes), ['0 B', '1023 B', '1.00 KiB', '1.50 KiB', '121 KiB', '1024 TiB'])
  t.same([-1, 59.9, 75, 3725, 90061].map(duration), ['0s', '59s', '1m 15s', '1h 2m', '1d 1h'])
})

t.test('an address of IPv6 is told from its port', async t => {
  t.equal(endpoint('192.0.2.7', 1), '192.0.2.7:1')
  t.equal(endpoint('2001:db8::7', 1), '[2001:db8::7]:1')
})

t.test('bars are as high as the highest, and stand to the right', async t => {
  t.equal(sparkline([0, 2, 4], 5), '  ▁▄█')
  t.equal(sparkline([9, 9, 0, 0], 2), '▁▁')
  t.equal(sparkline([], 2), '  ')
})

t.test('text fills its columns, or is cut', async t => {
  t.same([fit('ab', 4), fit('ab', 4, true), fit('abcdef', 4), fit('ab', 0)], ['ab  ', '  ab', 'abc…', ''])
  t.same(table(['ID', 'IN'], [['7', '1 B'], ['1836495123', '20 KiB']], [false, true]), ['ID              IN', '7              1 B', '1836495123  20 KiB'])
})

t.test('what a terminal would obey is shown as what it is', async t => {
  t.equal(printable('\u001B[31mred\u009B1m\r\n\u202Eabc'), '\uFFFD[31mred\uFFFD1m\uFFFD\uFFFD\uFFFDabc')
  t.equal(printable('grüß 日本 🎲'), 'grüß 日本 🎲')
})
