import fc from 'fast-check'
import t from 'tap'
import { escapeControls } from '../../src/client/escape-controls.ts'
import { codePoint } from '../helper/random/code-point.ts'
import { unsafeCharacters } from '../helper/random/unsafe-characters.ts'

t.test('escapes C0, C1, DEL, line separators and text direction controls', async t => {
  t.equal(escapeControls('\u001B[31mred\u009B1m\r\n\u007F\u2028\u202Eabc'),
    '\\u001b[31mred\\u009b1m\\u000d\\u000a\\u007f\\u2028\\u202eabc')
})

t.test('keeps all other text', async t => {
  t.equal(escapeControls('grüß 日本 🎲 👩‍👩‍👧 \\u001b'), 'grüß 日本 🎲 👩‍👩‍👧 \\u001b')
})

t.test('the result never has unsafe characters', async t => {
  const codes = Array.from({ length: 0x10000 }, (_, code) => code)
  t.same(codes.filter(code => unsafeCharacters.test(escapeControls(String.fromCharCode(code)))), [])
  fc.assert(fc.property(fc.string({ unit: codePoint }), text => !unsafeCharacters.test(escapeControls(text))))
})

t.test('escaped JSON has the same value', async t => {
  fc.assert(fc.property(fc.jsonValue({ stringUnit: codePoint }), value => {
    const json = JSON.stringify(value)
    return JSON.stringify(JSON.parse(escapeControls(json))) === json
  }))
})
