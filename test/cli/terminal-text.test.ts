import t from 'tap'
import { fitText, formatTable, sparkline } from '../../src/cli/terminal-text.ts'

t.test('sparkline scales to the highest value and aligns to the right', async t => {
  t.equal(sparkline([0, 2, 4], 5), '  ▁▄█')
  t.equal(sparkline([9, 9, 0, 0], 2), '▁▁')
  t.equal(sparkline([], 2), '  ')
})

t.test('fitText pads and cuts', async t => {
  t.same([fitText('ab', 4), fitText('ab', 4, 'right')], ['ab  ', '  ab'])
  t.same([fitText('abcdef', 4), fitText('ab', 0)], ['abc…', ''])
})

t.test('fitText counts columns, not UTF-16 units', async t => {
  t.equal(fitText('日本', 5), '日本 ')
  t.equal(fitText('日本語', 5), '日本…')
  t.equal(fitText('日本語', 4), '日… ', 'half of a wide character is never shown')
  t.equal(fitText('e\u0301a', 3), 'e\u0301a ')
  t.equal(fitText('👩‍👩‍👧abc', 4), '👩‍👩‍👧a…', 'a grapheme is kept whole')
  t.equal(fitText('\uD83Dx', 3), '\uFFFDx ')
})

t.test('fitText escapes control characters', async t => {
  t.equal(fitText('\u001B[2J', 9), '\\u001b[2J')
})

t.test('formatTable aligns columns by their width in the terminal', async t => {
  const rows = [['7', '1 B'], ['日本', '20 KiB']]
  t.same(formatTable(['ID', 'IN'], rows, ['left', 'right']), ['ID        IN', '7        1 B', '日本  20 KiB'])
})
