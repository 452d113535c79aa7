import { readFileSync } from 'node:fs'
import specs from '@asyncapi/specs'
import { Ajv } from 'ajv'
import formats from 'ajv-formats'
import Fastify from 'fastify'
import t from 'tap'
import app from '../app.ts'
import peerServer, { asyncapi } from '../index.ts'
import { type Field, modes, type SocketMessage } from '../http/document/asyncapi-messages.ts'
import { asyncApiFile, asyncApiText } from '../scripts/docs/asyncapi.ts'
import { errors } from '../src/error.ts'
import { closeCode } from '../src/protocol/websocket/close-code.ts'
import type { WebSocketServer } from '../src/core/server/websocket-server.ts'
import { RELAY_HEAD } from '../src/protocol/multiplayer/relay-packet.ts'
import { relayWire3 } from '../src/protocol/multiplayer/relay-wire3.ts'
import { RELAY4_HEAD, relayWire4 } from '../src/protocol/multiplayer/relay-wire4.ts'
import { documentFile } from '../scripts/docs/openapi.ts'
import { silentLogger } from './helper/silent-logger.ts'

const text = await asyncApiText()
const document = JSON.parse(text)

const ajv = new Ajv({ strict: false })
// The schema of AsyncAPI holds that of draft-07 too, so there must be no other.
const judge = new Ajv({ strict: false, meta: false, validateSchema: false })
formats.default(judge as never)
const isAsyncApi = judge.compile(specs.schemas['3.0.0'])

/** What a JSON reference leads to. */
function follow (ref: string): any {
  return ref.slice(2).split('/').reduce((value, name) => value?.[name], document)
}

t.test('openapi/asyncapi.json is up to date (`npm run openapi`)', async t => {
  t.equal(readFileSync(asyncApiFile, 'utf8'), text)
})

t.test('the document is valid AsyncAPI 3', async t => {
  t.ok(isAsyncApi(document), JSON.stringify(isAsyncApi.errors?.slice(0, 5)))
  t.notOk(isAsyncApi({ ...document, channels: { plain: { adress: '/ws' } } }), 'and a misspelt one is not')
})

t.test('every reference resolves, and every message belongs to an operation', async t => {
  const refs = [...text.matchAll(/"\$ref": "([^"]+)"/g)].map(([, ref]) => ref)
  for (const ref of refs) t.ok(follow(ref), ref)
  for (const [name, { messages }] of Object.entries<any>(document.channels)) {
    for (const message of Object.keys(messages)) {
      t.ok(refs.includes(`#/channels/${name}/messages/${message}`), `${name} ${message}`)
    }
  }
})

t.test('each message of the codec matches its documented layout and no other', async t => {
  for (const mode of ['godot3', 'godot4'] as const) {
    const shapes = Object.entries<any>(document.channels[mode].messages)
      .map(([name, { payload }]) => ({ name, fits: ajv.compile(payload) }))
    for (const { name, fields, example } of modes[mode].messages) {
      const hex = Buffer.from(example as Uint8Array).toString('hex')
      // The id of Godot 4 is four bytes, whatever they are.
      t.same(shapes.filter(({ name, fits }) => fits(hex) && !(mode === 'godot4' && name === 'id'))
        .map(({ name }) => name), mode === 'godot4' && name === 'id' ? [] : [name], `${mode} ${name}`)
      t.same(rebuilt(fields!, example as Uint8Array), Buffer.from(example as Uint8Array), `${mode} ${name}`)
    }
  }
})

/** The bytes of a message, read by its layout and put together again. */
function rebuilt (fields: readonly Field[], bytes: Uint8Array): Buffer {
  const from = Buffer.from(bytes)
  let at = 0
  return Buffer.concat(fields.map(({ type, value }) => {
    const size = { u8: 1, i32: 4, bytes: from.length - at }[type]
    const part = Buffer.alloc(size)
    if (type === 'u8') part.writeUInt8(value ?? from.readUInt8(at))
    else if (type === 'i32') part.writeInt32LE(value ?? from.readInt32LE(at))
    else from.copy(part, 0, at)
    at += size
    return part
  }))
}

/** Bytes in front of what a message carries. */
function headOf ({ fields = [] }: SocketMessage): number {
  return fields.reduce((sum, { type }) => sum + { u8: 1, i32: 4, bytes: 0 }[type], 0)
}

t.test('the server accepts documented client messages and drops others', async t => {
  for (const [mode, wire] of [['godot3', relayWire3], ['godot4', relayWire4]] as const) {
    for (const { name, from, example } of modes[mode].messages) {
      // Four bytes of an id may well be a packet.
      if (name === 'auth' || (mode === 'godot4' && name === 'id')) continue
      const bytes = example as Uint8Array
      t.equal(wire.fault(bytes, 0, bytes.length, 1836495123) === undefined, from !== 'server', `${mode} ${name}`)
    }
  }
  const auth = modes.godot4.messages.find(({ name }) => name === 'auth')!.example as Uint8Array
  t.equal(relayWire4.auth!.dataAt(auth, 0, auth.length), 2)
  t.equal(headOf(modes.godot3.messages.find(({ name }) => name === 'data')!), RELAY_HEAD)
  t.equal(headOf(modes.godot4.messages.find(({ name }) => name === 'relay')!), RELAY4_HEAD)
})

t.test('all close codes are documented, including whether they are sent', async t => {
  t.same(document['x-close-codes'].map(({ code }: { code: number }) => code), Object.values(closeCode))
  t.same(document['x-close-codes'].filter(({ sent }: { sent: boolean }) => !sent)
    .map(({ code }: { code: number }) => code), [1005, 1006])
})

t.test('documents all refusals of handshakes with the statuses of the OpenAPI document', async t => {
  const { responses } = JSON.parse(readFileSync(documentFile, 'utf8')).paths['/ws/{room}'].get
  for (const { 'x-refusals': refusals } of Object.values<any>(document.channels)) {
    t.same(refusals.map(({ code }: { code: string }) => code),
      Object.keys(errors).filter(code => !/^[A-Z]|^lobby-/.test(code)))
    for (const { status, code } of refusals) t.ok(status in responses, `${status} ${code}`)
  }
})

t.test('the service describes its servers with their actual options', async t => {
  const service = Fastify()
  t.teardown(async () => { await service.close() })
  await service.register(app, {
    server: { protocols: ['chat'], inputBufferKb: 100, maxPeers: 7 },
    more: [{ name: 'godot4', path: '/ws4', gdMpApi: true, wire: 'godot4' }],
    admin: { auth: false }
  })
  const ask = async () => (await service.inject({ url: '/asyncapi.json', headers: { host: 'game.example' } })).json()
  const told = await ask()
  t.ok(isAsyncApi(told), JSON.stringify(isAsyncApi.errors?.slice(0, 5)))
  t.match(told, {
    servers: { peerServer: { host: 'game.example', protocol: 'ws' }, godot4: { protocol: 'ws' } },
    channels: {
      peerServer: {
        address: '/ws',
        title: 'Plain WebSocket',
        'x-sub-protocols': {
          names: ['chat']
        },
        'x-max-message-bytes': 131072,
        'x-limits': { maxPeers: { value: 7 } }
      },
      godot4: { address: '/ws4', title: 'Godot 4 multiplayer', 'x-max-message-bytes': 65535 }
    }
  })
  await service.peerServer.stop()
  await service.peerServer.listen(undefined, [], true)
  t.match(await ask(), { channels: { peerServer: { title: 'Godot 3 multiplayer', 'x-sub-protocols': { names: [] } } } })
})

t.test('describes a server whose logger refers to itself', async t => {
  const service = Fastify()
  t.teardown(async () => { await service.close() })
  const log = Object.assign({ self: {} }, silentLogger)
  log.self = log
  await service.register(peerServer, { log, maxPeers: 7 })
  await service.register(asyncapi)
  const maxPeers = async () =>
    (await service.inject('/asyncapi.json')).json().channels.peerServer['x-limits'].maxPeers.value
  t.equal(await maxPeers(), 7)
  service.peerServer.change({ maxPeers: 8 })
  t.equal(await maxPeers(), 8)
})

t.test('describes how clients choose a room, on a server that has rooms', async t => {
  const service = Fastify()
  t.teardown(async () => { await service.close() })
  const more = [{ name: 'own', port: 0, rooms: true, path: '/' }, { name: 'without', path: '/ws2' }]
  await service.register(app, { server: { rooms: { maxRooms: 5 } }, more, admin: { auth: false } })
  const told = (await service.inject({ url: '/asyncapi.json' })).json()
  t.ok(isAsyncApi(told), JSON.stringify(isAsyncApi.errors?.slice(0, 5)))
  const { peerServer, own, without } = told.channels
  t.match(peerServer, {
    address: '/ws/{room}',
    parameters: { room: { default: 'main' } },
    bindings: { ws: { query: { properties: { room: { type: 'string' } } } } },
    'x-limits': { rooms: { value: { maxRooms: 5 } } }
  })
  t.equal(own.address, '/{room}')
  t.match(without, { address: '/ws2', 'x-limits': { rooms: { value: false } } })
  t.notOk('parameters' in without || 'room' in without.bindings.ws.query.properties)
})

const forwarded = { 'x-forwarded-host': 'game.example', 'x-forwarded-proto': 'https' }
const inner = { host: '127.0.0.1:3000', protocol: 'ws' }
const outer = { host: 'game.example', protocol: 'wss' }

for (const [trustProxy, headers, expected] of [
  [true, {}, outer],
  [true, { 'x-forwarded-prefix': '/play' }, { ...outer, pathname: '/play' }],
  [true, { 'x-forwarded-prefix': '/play/' }, { ...outer, pathname: '/play' }],
  [true, { 'x-forwarded-prefix': '/outer, /inner/a-b' }, { ...outer, pathname: '/outer/inner/a-b' }],
  [true, { 'x-forwarded-prefix': '/' }, outer],
  [true, { 'x-forwarded-prefix': '//evil.example' }, outer],
  [true, { 'x-forwarded-prefix': 'https://evil.example' }, outer],
  [true, { 'x-forwarded-prefix': '/a?b#c' }, outer],
  ['127.0.0.1', { 'x-forwarded-prefix': '/play' }, { ...outer, pathname: '/play' }],
  ['10.0.0.1', { 'x-forwarded-prefix': '/play' }, inner],
  [false, { 'x-forwarded-prefix': '/play' }, inner]
] as const) {
  t.test(`clients connect where a trusted proxy says: ${trustProxy}, ${JSON.stringify(headers)}`, async t => {
    const service = Fastify({ trustProxy })
    t.teardown(async () => { await service.close() })
    await service.register(app, { server: {}, more: [{ name: 'own', port: 0 }], admin: { auth: false } })
    const { body } = await service.inject({
      url: '/asyncapi.json',
      headers: { host: '127.0.0.1:3000', 'x-forwarded-for': '192.0.2.7', ...forwarded, ...headers }
    })
    const document = JSON.parse(body)
    t.ok(isAsyncApi(document), JSON.stringify(isAsyncApi.errors?.slice(0, 5)))
    t.same(document.servers.peerServer, expected)
    const { port } = service.getDecorator<WebSocketServer>('own')
    t.same(document.servers.own, { host: `${expected.host.split(':')[0]}:${port}`, protocol: 'ws' })
  })
}
