import t from 'tap'
import { parseAdminOptions } from '../../src/admin/admin-options.ts'
import { checkRoomOptions } from '../../src/core/room/room-options.ts'
import { parseLobbyOptions } from '../../src/options/lobby-options.ts'
import { parseOptions } from '../../src/options/options.ts'

const token = 'x'.repeat(32)
const checks: Array<[prefix: string, check: (options: object) => unknown]> = [
  ['option', parseOptions],
  ['room option', checkRoomOptions],
  ['adminRoutes: option', options => parseAdminOptions({ token, ...options })],
  ['lobbyRoutes: option', parseLobbyOptions]
]

for (const [prefix, check] of checks) {
  t.test(`${prefix}: names an unknown option, also one that every object inherits`, async t => {
    for (const name of ['colour', ...Object.getOwnPropertyNames(Object.prototype)]) {
      const message = `${prefix} ${name}: unknown option`
      t.throws(() => check(Object.fromEntries([[name, 1]])), { code: 'ERR_INVALID_PARAMETER', message })
    }
  })
}

t.test('names an invalid option inside another one by its path', async t => {
  const faults: Array<[options: object, message: string]> = [
    [{ rooms: { maxRoms: 3 } }, 'option rooms.maxRoms: unknown option'],
    [{ rooms: { constructor: 3 } }, 'option rooms.constructor: unknown option'],
    [{ rooms: { create: 'all' } }, 'option rooms.create: must be "join" or "admin"'],
    [{ cluster: {} }, 'option cluster.servers: is required'],
    [{ cluster: { server: 'nats://a' } }, 'option cluster.server: unknown option'],
    [{ rooms: { maxRooms: 0 } }, 'option rooms.maxRooms: must be >= 1'],
    [{ allowedOrigins: ['https://game.example', 5] }, 'option allowedOrigins.1: must be string']
  ]
  for (const [options, message] of faults) {
    t.throws(() => parseOptions(options), { code: 'ERR_INVALID_PARAMETER', message })
  }
})

t.test('names an unknown option before an invalid one', async t => {
  t.throws(() => parseOptions({ maxPeers: -1, colour: 1 } as object), { message: 'option colour: unknown option' })
})
