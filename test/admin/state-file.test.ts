import { execFile } from 'node:child_process'
import fs, {
  existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, rmdirSync, symlinkSync, writeFileSync
} from 'node:fs'
import { syncBuiltinESMExports } from 'node:module'
import { join } from 'node:path'
import { promisify } from 'node:util'
import Fastify from 'fastify'
import t, { type Test } from 'tap'
import app from '../../app.ts'
import type { ServerOptions } from '../../index.ts'
import { root } from '../../scripts/root.ts'
import { stopTime } from '../helper/clock.ts'
import { temporaryFolder } from '../helper/temporary-folder.ts'
import { until } from '../helper/until.ts'

/** The app of the service with a state file. */
async function start (
  t: Test, stateFile: string, more: Array<{ name: string, path: string }> = [], rooms: ServerOptions['rooms'] = true
) {
  const lines: any[] = []
  const service = Fastify({ logger: { level: 'info', stream: { write: text => { lines.push(JSON.parse(text)) } } } })
  t.teardown(async () => { await service.close() })
  const server = { maxPeers: 100, closeTimeout: 0.3, rooms }
  await service.register(app, { server, more, admin: { auth: false }, stateFile })
  await service.ready()
  return { service, server: service.peerServer, lines }
}

/** Resolves with the state in a file once `isRight` holds. */
async function fileWith (path: string, isRight: (state: any) => boolean): Promise<any> {
  let state: any
  await until(() => {
    if (!existsSync(path)) return false
    state = JSON.parse(readFileSync(path, 'utf8'))
    return isRight(state)
  }, () => `the state in ${path}`)
  return state
}

t.test('bans and settings that were changed at run time outlive a restart', async t => {
  const file = join(temporaryFolder(t), 'state.json')
  const first = await start(t, file)
  t.notOk(existsSync(file), 'nothing to keep yet')
  const { statusCode } = await first.service.inject({
    method: 'PATCH', url: '/api/v1/server', payload: { maxPeers: 5, allowedOrigins: null, rooms: { maxRooms: 3 } }
  })
  t.equal(statusCode, 200)
  first.server.refuseNewConnections = true
  const [forGood, forAnHour] = [
    first.server.ban('192.0.2.0/24', { reason: 'rude' }), first.server.ban('203.0.113.7', { seconds: 3600 })
  ]
  first.server.ban('203.0.113.8')
  first.server.unban('203.0.113.8')
  await first.service.close()

  const second = await start(t, file)
  t.match(second.server.options, { maxPeers: 5, refuseNewConnections: true, rooms: { maxRooms: 3 } })
  t.same(second.server.bans(), [forGood, forAnHour])
  t.match(second.lines.find(({ msg }) => msg === 'settings and bans restored'), {
    server: 'peerServer', bans: 2, settings: { maxPeers: 5, refuseNewConnections: true }
  })
  second.server.change({ maxPeers: 6 })
  await second.service.close()
  t.match(JSON.parse(readFileSync(file, 'utf8')).servers.peerServer, {
    settings: { maxPeers: 6, refuseNewConnections: true }, bans: [{ address: '192.0.2.0/24' }, {}]
  })
})

t.test('options and rules that were reset to their defaults are so after a restart', async t => {
  const file = join(temporaryFolder(t), 'state.json')
  const rules = { maxRooms: 3, joinPerMinute: 7 }
  const first = await start(t, file, [], rules)
  first.server.change({ maxPeers: undefined, rooms: { maxRooms: undefined } })
  await first.service.close()

  const second = await start(t, file, [], rules)
  t.match(second.server.options, { maxPeers: 0, rooms: { maxRooms: 10000, joinPerMinute: 7 } })
  second.server.change({ rooms: undefined })
  await second.service.close()

  const third = await start(t, file, [], rules)
  t.match(third.server.options, { rooms: { maxRooms: 10000, joinPerMinute: 60 } })
  t.equal(third.server.openRoom('arena').name, 'arena')
})

t.test('symbolic links stay: the file that they lead to is replaced', async t => {
  const folder = temporaryFolder(t)
  const [link, target] = [join(folder, 'state.json'), join(folder, 'volume/state.json')]
  mkdirSync(join(folder, 'volume'))
  symlinkSync('volume/state.json', join(folder, 'current.json'))
  symlinkSync('current.json', link)
  const first = await start(t, link)
  first.server.ban('192.0.2.1')
  await first.service.close()
  for (const name of ['state.json', 'current.json']) t.ok(lstatSync(join(folder, name)).isSymbolicLink(), name)
  t.match(JSON.parse(readFileSync(target, 'utf8')).servers.peerServer.bans, [{ address: '192.0.2.1' }])
  t.same((await start(t, link)).server.bans().map(({ address }) => address), ['192.0.2.1'])
})

t.test('the file is written at once, as a whole, readable only by its owner, and without leftovers', async t => {
  const folder = temporaryFolder(t)
  const file = join(folder, 'state.json')
  const { server } = await start(t, file)
  server.ban('192.0.2.1')
  const state = await fileWith(file, ({ servers }) => servers.peerServer.bans.length === 1)
  t.match(state, { version: 1, servers: { peerServer: { settings: {}, bans: [{ until: null, reason: '' }] } } })
  t.same(readdirSync(folder), ['state.json'])
})

t.test('an expired ban is not restored; servers have their own state', async t => {
  const file = join(temporaryFolder(t), 'state.json')
  const ban = { address: '192.0.2.1', reason: '', since: '2020-01-01T00:00:00.000Z', until: '2020-01-02T00:00:00.000Z' }
  const lasting = { ...ban, address: '192.0.2.2', until: null }
  const servers = {
    peerServer: { settings: {}, bans: [ban, lasting] }, godot4: { settings: { maxPeers: 9 }, bans: [] }
  }
  writeFileSync(file, JSON.stringify({ version: 1, servers }))
  const { service, server } = await start(t, file, [{ name: 'godot4', path: '/ws4' }])
  t.same(server.bans().map(({ address }) => address), ['192.0.2.2'])
  t.equal(server.options.maxPeers, 100)
  t.equal(service.getDecorator<typeof server>('godot4').options.maxPeers, 9)
})

for (const [text, message] of Object.entries({
  '{"version":1': /state\.json: .*JSON.*\. Repair or delete the file/,
  null: /expected version 1, found undefined/,
  '{"version":2}': /expected version 1, found 2/,
  '{"version":1,"servers":{"peerServer":{"settings":{"path":"/x"},"bans":[]}}}': /peerServer: option path: cannot be/,
  '{"version":1,"servers":{"peerServer":{"settings":{"maxPeers":"x"},"bans":[]}}}': /option maxPeers: must be/,
  '{"version":1,"servers":{"peerServer":{"bans":[]}}}': /servers\.peerServer\.settings is required/,
  '{"version":1,"servers":{"peerServer":null}}': /servers\.peerServer must be object/,
  '{"version":1,"servers":{"peerServer":{"settings":null,"bans":[]}}}': /servers\.peerServer\.settings must be object/,
  '{"version":1,"servers":{"other":{"settings":[],"bans":[]}}}': /servers\.other\.settings must be object/,
  '{"version":1,"servers":{"peerServer":{"settings":{},"bans":[],"cluster":{"shared":{}}}}}':
    /servers\.peerServer\.cluster\.unshared is required/,
  '{"version":1,"servers":null}': /servers must be object/,
  '{"version":1,"servers":{"peerServer":{"settings":{},"bans":[{"address":"::1","since":"2020-01-01","until":null}]}}}':
    /servers\.peerServer\.bans\.0\.reason is required/,
  [['{"version":1,"servers":{"peerServer":{"settings":{},"bans":[',
    '{"address":"x","reason":"","since":"2020-01-01","until":null}]}}}'].join('')]:
    /peerServer: address x/
})) {
  t.test(`a file that cannot be used ends the start instead of losing bans: ${text}`, async t => {
    const file = join(temporaryFolder(t), 'state.json')
    writeFileSync(file, text)
    await t.rejects(start(t, file), { code: 'ERR_INVALID_DATA', message })
    t.equal(readFileSync(file, 'utf8'), text, 'it is left as it is')
  })
}

t.test('a file that cannot be written is reported, and the next change tries again', async t => {
  const folder = join(temporaryFolder(t), 'later')
  const file = join(folder, 'state.json')
  mkdirSync(folder)
  const { server, lines } = await start(t, file)
  rmdirSync(folder)
  server.ban('192.0.2.1')
  await until(() => lines.some(({ msg }) => /^state not saved/.test(msg)))
  mkdirSync(folder)
  server.ban('192.0.2.2')
  await fileWith(file, ({ servers }) => servers.peerServer.bans.length === 2)
})

t.test('a file that could not be written is written when the app closes', async t => {
  const folder = join(temporaryFolder(t), 'missing')
  const file = join(folder, 'state.json')
  mkdirSync(folder)
  const { service, server, lines } = await start(t, file)
  rmdirSync(folder)
  server.ban('192.0.2.1')
  await until(() => lines.some(({ msg }) => /^state not saved/.test(msg)))
  mkdirSync(folder)
  await service.close()
  t.match(JSON.parse(readFileSync(file, 'utf8')).servers.peerServer.bans, [{ address: '192.0.2.1' }])
})

t.test('a disk that is full in the middle of the file leaves the one before', async t => {
  const folder = temporaryFolder(t, { 'state.json': '{ "version": 1, "servers": {} }' })
  const script = `
    import { WebSocketServer } from ${JSON.stringify(join(root, 'dist/index.js'))}
    import { StateFile } from ${JSON.stringify(join(root, 'dist/src/admin/state-file.js'))}
    const server = new WebSocketServer()
    const log = { info () {}, error ({ err }) { console.log(err.code) } }
    const file = new StateFile('state.json', [{ name: 'peerServer', server }], log)
    for (let i = 0; i < 250; i++) server.ban(\`192.0.2.\${i}\`, { reason: 'x'.repeat(100) })
    file.flush()`
  // A limit of the size of files, in KiB, that ends a write as a full disk does.
  const shell = `trap '' XFSZ; ulimit -f 8; exec ${process.execPath} --input-type=module -e "$SCRIPT"`
  const env = { ...process.env, SCRIPT: script }
  const { stdout } = await promisify(execFile)('bash', ['-c', shell], { cwd: folder, env })
  t.match(stdout, /EFBIG/)
  t.same(readdirSync(folder), ['state.json'])
  t.same(JSON.parse(readFileSync(join(folder, 'state.json'), 'utf8')), { version: 1, servers: {} })
})

t.test('a rule of rooms that was changed leaves the others to the next start', async t => {
  const file = join(temporaryFolder(t), 'state.json')
  const first = await start(t, file, [], { maxRooms: 10, maxPeersPerRoom: 20 })
  first.server.change({ rooms: { maxRooms: 3 } })
  first.server.change({ rooms: { emptyTimeout: 5 } })
  await first.service.close()
  const settings = () => JSON.parse(readFileSync(file, 'utf8')).servers.peerServer.settings
  t.same(settings(), { rooms: { maxRooms: 3, emptyTimeout: 5 } })

  const second = await start(t, file, [], { maxRooms: 11, maxPeersPerRoom: 21 })
  t.same(second.server.options.rooms, { maxRooms: 3, maxPeersPerRoom: 21, emptyTimeout: 5 })
  second.server.change({ rooms: { maxRooms: 4 } })
  await second.service.close()
  t.same(settings(), { rooms: { maxRooms: 4, emptyTimeout: 5 } })
})

t.test('rules of rooms wait in the file of a server without rooms until it has some again', async t => {
  const file = join(temporaryFolder(t), 'state.json')
  const first = await start(t, file)
  first.server.change({ maxPeers: 5, rooms: { maxRooms: 3 } })
  const ban = first.server.ban('192.0.2.7')
  await first.service.close()

  const without = await start(t, file, [], false)
  t.match(without.server.options, { maxPeers: 5, rooms: false })
  t.same(without.server.bans(), [ban])
  t.match(without.lines.filter(({ level }) => level === 40), [{ server: 'peerServer', rooms: { maxRooms: 3 } }])
  without.server.change({ maxPeers: 6 })
  await without.service.close()

  const again = await start(t, file)
  t.match(again.server.options, { maxPeers: 6, rooms: { maxRooms: 3 } })
})

t.test('the state of a server that is not there now is kept', async t => {
  const file = join(temporaryFolder(t), 'state.json')
  const more = [{ name: 'godot4', path: '/ws4' }]
  const both = await start(t, file, more)
  const godot4 = both.service.getDecorator<typeof both.server>('godot4')
  const ban = godot4.ban('192.0.2.7')
  godot4.change({ maxPeers: 9 })
  await both.service.close()
  const { servers } = JSON.parse(readFileSync(file, 'utf8'))

  const one = await start(t, file)
  one.server.ban('192.0.2.8')
  await one.service.close()
  t.match(JSON.parse(readFileSync(file, 'utf8')).servers, {
    godot4: servers.godot4, peerServer: { bans: [{ address: '192.0.2.8' }] }
  })
  const again = (await start(t, file, more)).service.getDecorator<typeof both.server>('godot4')
  t.same(again.bans(), [ban])
  t.equal(again.options.maxPeers, 9)
})

t.test('does not start if the file could not be written', async t => {
  const folder = temporaryFolder(t, { file: '' })
  for (const [path, fault] of [['missing/state.json', 'written: ENOENT'], ['file/state.json', 'read: ENOTDIR']]) {
    const file = join(folder, path)
    await t.rejects(start(t, file), { code: 'ERR_INVALID_DATA', message: `${file}: cannot be ${fault}` }, path)
  }
  t.same(readdirSync(folder), ['file'])
})

t.test('does not start if the file could not be replaced, as one that is mounted', async t => {
  const text = '{ "version": 1,  "servers": {} }'
  const folder = temporaryFolder(t, { 'state.json': text })
  const file = join(folder, 'state.json')
  await start(t, file)
  t.equal(readFileSync(file, 'utf8'), text, 'its content stays')

  const { renameSync } = fs
  t.teardown(() => {
    fs.renameSync = renameSync
    syncBuiltinESMExports()
  })
  fs.renameSync = () => { throw new Error('EBUSY: resource busy or locked') }
  syncBuiltinESMExports()
  await t.rejects(start(t, file), { code: 'ERR_INVALID_DATA', message: `${file}: cannot be written: EBUSY` })
  t.same(readdirSync(folder), ['state.json'])
})

t.test('does not start if the file cannot be read', async t => {
  const folder = temporaryFolder(t)
  await t.rejects(start(t, folder), { code: 'ERR_INVALID_DATA', message: `${folder}: cannot be read: EISDIR` })
})

t.test('many changes are written together, a second after the last write, and at once when the app closes', async t => {
  const file = join(temporaryFolder(t), 'state.json')
  const { service, server } = await start(t, file)
  const clock = stopTime(t)
  const banned = (): string[] =>
    JSON.parse(readFileSync(file, 'utf8')).servers.peerServer.bans.map(({ address }: any) => address)
  server.ban('192.0.2.1')
  clock.advance(1)
  t.same(banned(), ['192.0.2.1'], 'the first at once')
  for (let i = 2; i < 100; i++) {
    server.ban(`192.0.2.${i}`)
    clock.advance(10)
  }
  t.equal(banned().length, 1)
  clock.advance(20)
  t.equal(banned().length, 99)
  clock.advance(1000)
  server.ban('192.0.2.100')
  clock.advance(1)
  t.equal(banned().length, 100, 'at once again')
  server.ban('192.0.2.101')
  await service.close()
  t.equal(banned().length, 101)
  t.equal(clock.waiting(), 0)
})
