import t from 'tap'
import { isLoopback, nameVariable, readEnvironment, SettingsError, variables } from '../src/environment.ts'
import { parseOptions } from '../src/options.ts'
import { keyFile, pem } from './helper/keys.ts'

const token = 'x'.repeat(32)

t.test('without any variable it is a relay for this machine', async t => {
  const { server, ...rest } = readEnvironment({})
  t.same(rest, { host: '127.0.0.1', port: 3000, adminToken: undefined, trustProxy: false, logLevel: 'info' })
  t.match(parseOptions(server), { gdMpApi: true, path: '/ws', protocols: [], handshakeTimeout: 3 })
})

t.test('every variable has its effect', async t => {
  const { server, ...rest } = readEnvironment({
    HOST: '0.0.0.0',
    PORT: '8080',
    ADMIN_TOKEN: token,
    WS_PATH: '/game',
    WS_PROTOCOLS: 'chat, game,',
    GD_MP_API: 'false',
    WS_PORT: '9080',
    BIND_IP: '::1',
    TLS_KEY: keyFile('leaf.key'),
    TLS_CERT: keyFile('leaf.pem'),
    TLS_CA: keyFile('middle.pem'),
    HANDSHAKE_TIMEOUT: '1.5',
    MAX_PEERS: '500',
    ALLOWED_ORIGINS: 'https://game.example, https://beta.game.example',
    TRUST_PROXY: '10.0.0.1, 192.0.2.0/24',
    LOG_LEVEL: 'debug'
  })
  t.same(rest, { host: '0.0.0.0', port: 8080, adminToken: token, trustProxy: ['10.0.0.1', '192.0.2.0/24'], logLevel: 'debug' })
  t.match(server, { path: '/game', protocols: ['chat', 'game'], gdMpApi: false, handshakeTimeout: 1.5 })
  t.match(server, { port: 9080, bindIp: '::1', privateKey: pem('leaf.key'), sslCertificate: pem('leaf.pem'), caChain: pem('middle.pem') })
  t.match(server, { maxPeers: 500, allowedOrigins: ['https://game.example', 'https://beta.game.example'] })
  t.equal(readEnvironment({ ALLOWED_ORIGINS: '*' }).server.allowedOrigins, '*')
})

t.test('a second endpoint, for Godot 4, has the settings of the first but for its port and keys', async t => {
  t.equal(readEnvironment({ WS_WIRE: 'godot4' }).server.wire, 'godot4')
  const { server, godot4 } = readEnvironment({ WS4_PATH: '/ws4', MAX_PEERS: '5', GD_MP_API: 'false', WS_PORT: '9080', TLS_KEY: keyFile('leaf.key'), TLS_CERT: keyFile('leaf.pem') })
  t.match(server, { port: 9080, gdMpApi: false, maxPeers: 5 })
  t.match(parseOptions(godot4), { name: 'godot4', path: '/ws4', wire: 'godot4', gdMpApi: true, maxPeers: 5 })
  t.same(['port', 'privateKey', 'sslCertificate'].filter(name => name in godot4!), [])
  t.throws(() => readEnvironment({ WS_PATH: '/game', WS4_PATH: '/game' }), { message: /WS4_PATH: must be another than WS_PATH/ })
})

t.test('an empty variable is none', async t => {
  t.same(readEnvironment(Object.fromEntries(Object.keys(variables).map(name => [name, ' ']))), readEnvironment({}))
})

for (const [name, ...wrong] of [
  ['PORT', 'x', '-1', '65536', '80.5', '0x50', '8e3', '080'],
  ['WS_PATH', 'ws'],
  ['GD_MP_API', 'yes', '1', 'TRUE'],
  ['HANDSHAKE_TIMEOUT', '0', '-1', 'soon', '1e9', '3s'],
  ['WS_WIRE', 'godot5', 'Godot4', '4'],
  ['WS4_PATH', 'ws4', '/ws'],
  ['WS_PORT', 'x', '-1', '65536'],
  ['BIND_IP', 'localhost', '10.0.0.0/8'],
  ['TLS_KEY', '/nowhere/key.pem'],
  ['MAX_PEERS', '-1', 'many'],
  ['ALLOWED_ORIGINS', 'game.example', 'https://game.example/', 'https://a.example,*,b'],
  ['TRUST_PROXY', 'proxy', '1', '10.0.0.0/33', '10.0.0.1,proxy'],
  ['LOG_LEVEL', 'loud', 'INFO']
]) {
  t.test(`${name} is named when it is wrong`, async t => {
    for (const text of wrong) t.throws(() => readEnvironment({ [name]: text }), { name: 'SettingsError', message: new RegExp(`^  ${name}: `, 'm') }, text)
  })
}

t.test('keys are for a port of the server\'s own', async t => {
  t.throws(() => readEnvironment({ TLS_KEY: keyFile('leaf.key'), TLS_CERT: keyFile('leaf.pem') }), { message: /TLS_KEY: needs WS_PORT[^]*TLS_CERT: needs WS_PORT/ })
})

t.test('what the server finds wrong with an option names the variable', async t => {
  t.equal(nameVariable('privateKey: not the key of sslCertificate'), 'TLS_KEY: is not the key of sslCertificate')
  t.equal(nameVariable('port 80 on *: the port is taken'), 'port 80 on *: the port is taken')
})

t.test('all that is wrong is said at once', async t => {
  t.throws(() => readEnvironment({ PORT: 'x', GD_MP_API: 'x', HOST: '0.0.0.0' }), new SettingsError([
    'PORT: must be integer',
    'GD_MP_API: must be boolean',
    'ADMIN_TOKEN: is needed, for HOST 0.0.0.0 is not a loopback address'
  ]))
})

t.test('without a token it stays on a loopback address', async t => {
  for (const HOST of ['127.0.0.1', '127.8.8.8', '::1', 'localhost']) {
    t.ok(isLoopback(HOST), HOST)
    t.equal(readEnvironment({ HOST }).host, HOST)
  }
  for (const HOST of ['0.0.0.0', '::', '192.0.2.7', 'example.com', 'localhost.example.com', '127.1']) {
    t.notOk(isLoopback(HOST), HOST)
    t.throws(() => readEnvironment({ HOST }), { message: /ADMIN_TOKEN: is needed/ }, HOST)
    t.equal(readEnvironment({ HOST, ADMIN_TOKEN: 'any' }).host, HOST)
  }
})

t.test('in production a token has at least 32 characters, and is told to nobody', async t => {
  t.throws(() => readEnvironment({ ADMIN_TOKEN: 'guess me', NODE_ENV: 'production' }), new SettingsError(['ADMIN_TOKEN: needs at least 32 characters in production']))
  t.equal(readEnvironment({ ADMIN_TOKEN: token, NODE_ENV: 'production' }).adminToken, token)
})
