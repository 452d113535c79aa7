import fc from 'fast-check'

/** The first and the last code point that UTF-8 writes in 1, 2, 3 and 4 bytes, without the surrogates. */
const ranges = [[0, 0x7f], [0x80, 0x7ff], [0x800, 0xd7ff], [0xe000, 0xffff], [0x10000, 0x10ffff]]

/**
 * A unit of `fc.string`: any code point but a surrogate. So is the unit `binary`, which first makes a table of all of
 * them, in a second.
 */
export const codePoint = fc.oneof(...ranges.map(([min, max]) => fc.integer({ min, max })))
  .map(number => String.fromCodePoint(number), text => (text as string).codePointAt(0)!)
