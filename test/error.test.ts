import t from 'tap'
import { errors, GodotError } from '../src/error.ts'

t.test('an error carries its code, its number in Godot and its HTTP status', async t => {
  const error = new GodotError('ERR_ALREADY_IN_USE')
  t.ok(error instanceof Error)
  t.equal(error.code, 'ERR_ALREADY_IN_USE')
  t.equal(error.number, 22)
  t.equal(error.statusCode, 409)
  t.equal(error.message, errors.ERR_ALREADY_IN_USE.message)
})

t.test('a custom message replaces the default one', async t => {
  t.equal(new GodotError('FAILED', 'gone').message, 'gone')
})
