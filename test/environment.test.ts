import { join } from 'node:path'
import t from 'tap'
import { variables } from '../src/environment-variables.ts'
import { nameVariable, readEnvironment, SettingsError } from '../src/environment.ts'
import { parseOptions, ServerOptions } from '../src/options/options.ts'
import { servicePaths } from '../src/service-paths.ts'
import { keyFile, pem } from './helper/sockets/keys.ts'
import { temporaryFolder } from './helper/temporary-folder.ts'

const token = 'x'.repeat(32)

const standard = {
  host: '127.0.0.1',
  port: 3000,
  tokens: undefined,
  adminOrigins: undefined,
  stateFile: undefined,
  trustProxy: false,
  logLevel: 'info',
  wsAtRoot: false
}
const http = { maxConnectionsPerAddress: 100, maxRequestsInFlight: 10, responseTimeout: 30 }

t.test('defaults to a relay on loopback with the limits of a public relay', async t => {
  const { server, ...rest } = readEnvironment({})
  t.same(rest, { ...standard, http })
  const limits = { maxPacketsPerSecond: 1000, maxBytesPerSecond: 1 << 20, maxPeersPerAddress: 50, pingInterval: 10 }
  t.match(parseOptions(server), { gdMpApi: true, path: '/ws', protocols: [], handshakeTimeout: 3, ...limits })
})

t.test('every option has a variable, except functions and those without effect in a service', async t => {
  const without = Object.keys(ServerOptions.properties)
    .filter(name => !Object.values(variables).some(({ option, clusterOption }) =>
      option === name || (name === 'cluster' && clusterOption !== undefined)))
  t.same(without.filter(name => !['log', 'onHandshake', 'authenticate'].includes(name))
    .sort(), ['authTimeout', 'autoPoll', 'exactTypes', 'name'])
  const named = Object.entries(variables).flatMap(([name, { option }]) => option === undefined ? [] : [[option, name]])
  t.match(Object.fromEntries(named), {
    path: 'WS_PATH',
    protocols: 'WS_PROTOCOLS',
    port: 'WS_PORT',
    privateKey: 'TLS_KEY',
    sslCertificate: 'TLS_CERT',
    caChain: 'TLS_CA',
    gdMpApi: 'GD_MP_API',
    bindIp: 'BIND_IP',
    maxPacketsPerSecond: 'MAX_PACKETS_PER_SECOND',
    inputBufferKb: 'INPUT_BUFFER_KB',
    perMessageDeflate: 'PER_MESSAGE_DEFLATE'
  })
})

t.test('NATS_URL makes the service a node of a cluster, and its second server one of another', async t => {
  const { server, godot4 } = readEnvironment({
    NATS_URL: 'nats://a:4222, nats://b:4222',
    NATS_CREDS: '/run/node.creds',
    CLUSTER_NAMESPACE: 'eu',
    NODE_ID: 'game-1',
    ON_BROKER_LOSS: 'isolate',
    ON_GAP: 'close',
    CLUSTER_REPLICAS: '3',
    NATS_CA: keyFile('root.pem'),
    WS4_PATH: '/ws4'
  })
  const cluster = {
    servers: ['nats://a:4222', 'nats://b:4222'],
    credentials: '/run/node.creds',
    nodeId: 'game-1',
    onBrokerLoss: 'isolate',
    onGap: 'close',
    replicas: 3,
    tls: { ca: pem('root.pem') }
  }
  t.same(server.cluster, { ...cluster, namespace: 'eu' })
  t.same(godot4?.cluster, { ...cluster, namespace: 'eu-godot4' })
  for (const NODE_ID of ['.', '..', 'a b', 'x'.repeat(65)]) {
    t.throws(() => readEnvironment({ NATS_URL: 'x', NODE_ID }), { message: 'NODE_ID: must be 1 to 64' }, NODE_ID)
  }
  t.notHas(readEnvironment({}).server, 'cluster')
  t.throws(() => readEnvironment({ NODE_ID: 'game-1' }), /NODE_ID: needs NATS_URL/)
  t.throws(() => readEnvironment({ NATS_URL: ',' }), /NATS_URL: must not have fewer than 1 items/)
  t.throws(() => readEnvironment({ WS_PROTOCOLS: 'chat game' }), /WS_PROTOCOLS: must be a name without spaces/)
  t.throws(() => readEnvironment({ NATS_URL: 'x', ON_GAP: 'no' }), /ON_GAP: must be "announce" or "close"/)
})

const roomVariables: Array<[env: Record<string, string>, rooms: unknown]> = [
  [{}, false],
  [{ ROOMS: 'false' }, false],
  [{ ROOMS: 'true' }, {}],
  [{ ROOMS: 'admin' }, { create: 'admin' }],
  [{ ROOMS: 'true', MAX_ROOMS: '5', MAX_PEERS_PER_ROOM: '8', ROOM_EMPTY_TIMEOUT: '1.5', ROOMS_PER_MINUTE: '0' },
    { maxRooms: 5, maxPeersPerRoom: 8, emptyTimeout: 1.5, joinPerMinute: 0 }]
]

for (const [env, rooms] of roomVariables) {
  t.test(`variables of rooms: ${JSON.stringify(env)}`, async t => {
    t.same(readEnvironment(env).server.rooms, rooms)
  })
}

t.test('refuses variables of rooms that are unused or meaningless', async t => {
  t.throws(() => readEnvironment({ ROOMS: 'yes' }), /ROOMS: must be one of false, true, admin$/m)
  t.throws(() => readEnvironment({ MAX_ROOMS: '0', ROOMS: 'true' }), /MAX_ROOMS: must be >= 1$/m)
  t.throws(() => readEnvironment({ MAX_ROOMS: '5' }), /MAX_ROOMS: needs ROOMS=true or ROOMS=admin$/m)
})

t.test('LOBBY enables the lobby, whose variables need it', async t => {
  t.equal(readEnvironment({ ROOMS: 'true' }).lobby, undefined)
  t.same(readEnvironment({ ROOMS: 'true', LOBBY: 'true' }).lobby, {})
  t.same(readEnvironment({
    ROOMS: 'admin', LOBBY: 'true', PUBLIC_URL: 'wss://game.example/eu', ALLOWED_ORIGINS: 'https://a.example,null'
  }).lobby, { publicUrl: 'wss://game.example/eu', origin: ['https://a.example', 'null'] })
  t.throws(() => readEnvironment({ LOBBY: 'true' }), /LOBBY: needs ROOMS=true or ROOMS=admin$/m)
  t.throws(() => readEnvironment({ PUBLIC_URL: 'wss://game.example' }), /PUBLIC_URL: needs LOBBY=true$/m)
  t.throws(() => readEnvironment({ LOBBY: 'true', ROOMS: 'true', PUBLIC_URL: 'https://game.example' }),
    /PUBLIC_URL: must be a ws or wss URL/)
})

t.test('variables set their options', async t => {
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
    MAX_PACKETS_PER_SECOND: '0',
    MAX_BYTES_PER_SECOND: '2.5',
    MAX_PEERS_PER_ADDRESS: '7',
    MAX_PENDING_HANDSHAKES: '8',
    INPUT_BUFFER_KB: '128',
    OUTPUT_MAX_PACKETS: '64',
    PING_INTERVAL: '0',
    CLOSE_TIMEOUT: '1',
    STOP_CODE: '1012',
    SERVER_RELAY: 'false',
    CONFIRM_PATH: 'both',
    REFUSE_NEW_CONNECTIONS: 'true',
    AUTO_LISTEN: 'false',
    PER_MESSAGE_DEFLATE: 'true',
    HOLD_TIME: '2',
    ALLOWED_ORIGINS: 'https://game.example, https://beta.game.example',
    TRUST_PROXY: '10.0.0.1, 192.0.2.0/24',
    LOG_LEVEL: 'debug',
    MAX_CONNECTIONS_PER_ADDRESS: '5',
    MAX_REQUESTS_IN_FLIGHT: '6',
    RESPONSE_TIMEOUT: '7.5'
  })
  t.same(rest, {
    host: '0.0.0.0',
    port: 8080,
    tokens: [{ name: 'admin', role: 'admin', token }],
    adminOrigins: undefined,
    stateFile: undefined,
    trustProxy: ['10.0.0.1', '192.0.2.0/24'],
    logLevel: 'debug',
    wsAtRoot: false,
    http: { maxConnectionsPerAddress: 5, maxRequestsInFlight: 6, responseTimeout: 7.5 }
  })
  t.match(parseOptions(server), {
    path: '/game',
    protocols: ['chat', 'game'],
    gdMpApi: false,
    handshakeTimeout: 1.5,
    port: 9080,
    bindIp: '::1',
    privateKey: pem('leaf.key'),
    sslCertificate: pem('leaf.pem'),
    caChain: pem('middle.pem'),
    maxPeers: 500,
    maxPacketsPerSecond: 0,
    maxBytesPerSecond: 2.5,
    maxPeersPerAddress: 7,
    maxPendingHandshakes: 8,
    inputBufferKb: 128,
    outputMaxPackets: 64,
    pingInterval: 0,
    closeTimeout: 1,
    stopCode: 1012,
    serverRelay: false,
    confirmPath: 'both',
    refuseNewConnections: true,
    autoListen: false,
    perMessageDeflate: true,
    holdTime: 2,
    allowedOrigins: ['https://game.example', 'https://beta.game.example']
  })
  t.equal(readEnvironment({ ALLOWED_ORIGINS: '*' }).server.allowedOrigins, '*')
  t.equal(readEnvironment({ WS_AT_ROOT: 'true' }).wsAtRoot, true)
})

t.test('the endpoint for Godot 4 has the settings of the first, except port and keys', async t => {
  t.equal(readEnvironment({ WS_WIRE: 'godot4' }).server.wire, 'godot4')
  const { server, godot4 } = readEnvironment({
    WS4_PATH: '/ws4',
    MAX_PEERS: '5',
    GD_MP_API: 'false',
    WS_PORT: '9080',
    TLS_KEY: keyFile('leaf.key'),
    TLS_CERT: keyFile('leaf.pem')
  })
  t.match(server, { port: 9080, gdMpApi: false, maxPeers: 5 })
  t.match(parseOptions(godot4), { name: 'godot4', path: '/ws4', wire: 'godot4', gdMpApi: true, maxPeers: 5 })
  t.same(['port', 'privateKey', 'sslCertificate'].filter(name => name in godot4!), [])
  t.throws(() => readEnvironment({
    WS_PATH: '/game',
    WS4_PATH: '/game'
  }), new SettingsError(['WS4_PATH: must differ from WS_PATH']))
  t.throws(() => readEnvironment({ WS_AT_ROOT: 'true', WS4_PATH: '/' }), {
    message: /WS_AT_ROOT: clashes with WS4_PATH/
  })
})

t.test('the two endpoints differ in more than a trailing slash, with rooms or without', async t => {
  for (const [WS_PATH, WS4_PATH] of [['/ws/', '/ws'], ['/ws', '/ws/'], ['/a/b', '/a/b/']]) {
    for (const rooms of [{}, { ROOMS: 'true' }]) {
      t.throws(() => readEnvironment({ WS_PATH, WS4_PATH, ...rooms }), new SettingsError([
        'WS4_PATH: must differ from WS_PATH (a trailing slash does not count)'
      ]))
    }
  }
})

t.test('WS_PORT replaces the mounted endpoint, so that WS4_PATH may be there', async t => {
  for (const WS4_PATH of ['/ws', '/ws/', '/ws/x']) {
    t.match(readEnvironment({ WS_PORT: '9080', WS4_PATH, ROOMS: 'true' }), { godot4: { path: WS4_PATH } })
  }
})

t.test('an endpoint is not where the other one has a room', async t => {
  for (const [one, other] of [['/game', '/game/x'], ['/game/', '/game/x'], ['/game/a', '/game/a/main']]) {
    for (const env of [{ WS_PATH: one, WS4_PATH: other }, { WS_PATH: other, WS4_PATH: one }]) {
      t.throws(() => readEnvironment({ ...env, ROOMS: 'true' }), new SettingsError([
        'WS4_PATH: must not be directly below WS_PATH, nor the reverse: with ROOMS that is the URL of a room'
      ]))
      t.match(readEnvironment(env), { godot4: { path: env.WS4_PATH } })
    }
  }
  for (const WS4_PATH of ['/game4', '/game/x/y', '/']) {
    t.match(readEnvironment({ WS_PATH: '/game', WS4_PATH, ROOMS: 'true' }), { godot4: { path: WS4_PATH } })
  }
})

t.test('a reserved or invalid path is reported with one error', async t => {
  for (const name of ['WS_PATH', 'WS4_PATH']) {
    for (const taken of Object.values(servicePaths)) {
      for (const path of [taken, `${taken}/`, `${taken}/game`]) {
        t.throws(() => readEnvironment({
          [name]: path
        }), new SettingsError([`${name}: clashes with ${taken}, which the service serves itself`]), path)
      }
    }
    t.throws(() => readEnvironment({ [name]: '/api' }), { message: /clashes with \/api\/v1/ }, 'above one as well')
    for (const path of [
      '/ws/*', '/*', '/:x', '/ws/:room', '/ws?a=1', '/ws#a', '/a b', '/%2e', '//ws', '/ws//a', '/wsé', '/:',
      '/ws/..', '/./ws', '/ws/../a', '/.'
    ]) {
      t.throws(() => readEnvironment({
        [name]: path
      }), { message: new RegExp(`^  ${name}: must be a plain path`, 'm') }, path)
    }
  }
  for (const path of ['/', '/metricsandmore', '/doc', '/a/b/c', '/ws.v1/', '/docs2', '/healthz-ws']) {
    t.equal(readEnvironment({ WS_PATH: path }).server.path, path)
  }
})

t.test('an empty variable counts as unset', async t => {
  t.same(readEnvironment(Object.fromEntries(Object.keys(variables).map(name => [name, ' ']))), readEnvironment({}))
})

for (const [name, ...wrong] of [
  ['PORT', 'x', '-1', '65536', '80.5', '0x50', '8e3', '080'],
  ['WS_PATH', 'ws'],
  ['GD_MP_API', 'yes', '1', 'TRUE'],
  ['MAX_PACKETS_PER_SECOND', '-1', 'many'],
  ['STOP_CODE', '1000', 'x'],
  ['CONFIRM_PATH', 'neither'],
  ['INPUT_BUFFER_KB', '0', '1.5'],
  ['RESPONSE_TIMEOUT', '0'],
  ['MAX_REQUESTS_IN_FLIGHT', '0'],
  ['WS_AT_ROOT', '1'],
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
  t.test(`an invalid ${name} is named`, async t => {
    for (const text of wrong) {
      t.throws(() => readEnvironment({
        [name]: text
      }), { name: 'SettingsError', message: new RegExp(`^  ${name}: `, 'm') }, text)
    }
  })
}

t.test('TLS keys require WS_PORT', async t => {
  t.throws(() => readEnvironment({ TLS_KEY: keyFile('leaf.key'), TLS_CERT: keyFile('leaf.pem') }), {
    message: /TLS_KEY: needs WS_PORT[^]*TLS_CERT: needs WS_PORT/
  })
})

t.test('refuses variables that have no effect with WS_PORT, or without it', async t => {
  t.throws(() => readEnvironment({ BIND_IP: '::1' }),
    new SettingsError(['BIND_IP: needs WS_PORT; the address of PORT is HOST']))
  t.throws(() => readEnvironment({ WS_AT_ROOT: 'true', WS_PORT: '9080' }),
    new SettingsError(['WS_AT_ROOT: has no effect with WS_PORT, where clients may connect to any path']))
  t.match(readEnvironment({ WS_AT_ROOT: 'false', WS_PORT: '9080', BIND_IP: '::1' }), {
    wsAtRoot: false, server: { port: 9080, bindIp: '::1' }
  })
})

t.test('an error about an option names its variable', async t => {
  t.equal(nameVariable('privateKey: not the key of sslCertificate'), 'TLS_KEY: not the key of sslCertificate')
  t.equal(nameVariable('option maxPeers: must be integer'), 'MAX_PEERS: must be integer')
  t.equal(nameVariable('cluster: rooms differs from node a: here false, there true'),
    'cluster: ROOMS differs from node a: here false, there true')
  t.equal(nameVariable('cluster: wire differs from node a: here "godot3", there "godot4"'),
    'cluster: WS_WIRE differs from node a: here "godot3", there "godot4"')
  t.equal(nameVariable('cluster: another node has the id a'), 'cluster: another node has the id a')
  t.equal(nameVariable('port 80 on *: the port is taken'), 'port 80 on *: the port is taken')
})

t.test('all invalid variables are reported at once', async t => {
  t.throws(() => readEnvironment({ PORT: 'x', GD_MP_API: 'x', HOST: '0.0.0.0' }), new SettingsError([
    'PORT: must be integer',
    'GD_MP_API: must be true or false',
    'ADMIN_TOKEN: required because HOST 0.0.0.0 is not a loopback address'
  ]))
})

t.test('without a token only a loopback address is accepted', async t => {
  for (const HOST of ['127.0.0.1', '127.8.8.8', '::1', '::ffff:127.0.0.1', 'localhost', 'LOCALHOST']) {
    t.equal(readEnvironment({ HOST }).host, HOST)
  }
  for (const HOST of ['0.0.0.0', '::', '192.0.2.7', 'example.com', 'localhost.example.com', '127.1']) {
    t.throws(() => readEnvironment({ HOST }), { message: /ADMIN_TOKEN: required/ }, HOST)
    t.equal(readEnvironment({ HOST, ADMIN_TOKEN: token }).host, HOST)
  }
})

t.test('where others than this machine can send it, every token needs at least 32 characters', async t => {
  const message = /ADMIN_TOKEN: must have at least 32 characters unless HOST is a loopback address/
  t.throws(() => readEnvironment({ HOST: '0.0.0.0', ADMIN_TOKEN: 'x'.repeat(31) }), { message })
  t.throws(() => readEnvironment({ HOST: '::', ADMIN_TOKENS: `ops:read:${token},dev:read:short` }), {
    message: /ADMIN_TOKENS: the token of dev must have at least 32 characters/
  })
  const file = join(temporaryFolder(t, { tokens: 'ops:admin:short' }), 'tokens')
  for (const [variable, text, subject] of [
    ['ADMIN_TOKENS', 'admin:admin:short', 'ADMIN_TOKENS: the token of admin'],
    ['ADMIN_TOKENS_FILE', file, 'ADMIN_TOKENS_FILE: the token of ops']
  ]) {
    t.throws(() => readEnvironment({ HOST: '::', [variable]: text }), { message: `${subject} must have at least` })
  }
  t.equal(readEnvironment({ HOST: '127.0.0.1', ADMIN_TOKEN: 'short' }).tokens![0].token, 'short')
})

t.test('tokens are what every client can send in a header', async t => {
  const message = /ADMIN_TOKEN: must consist of printable ASCII characters/
  for (const odd of ['\u043a', '\u200b', '\u00e4']) {
    t.throws(() => readEnvironment({ HOST: '127.0.0.1', ADMIN_TOKEN: token + odd }), { message })
  }
  t.equal(readEnvironment({ ADMIN_TOKEN: `${token} ~!` }).tokens![0].token, `${token} ~!`)
})

t.test('named tokens with roles come from a list and from a file', async t => {
  const file = join(temporaryFolder(t, {
    tokens: `# operators\nbob:operate:${token}b\n\n  carol:admin:${token}:c\n`
  }), 'tokens')
  const { tokens } = readEnvironment({
    ADMIN_TOKEN: token, ADMIN_TOKENS: `alice:read:${token}a`, ADMIN_TOKENS_FILE: file
  })
  t.same(tokens, [
    { name: 'admin', role: 'admin', token },
    { name: 'alice', role: 'read', token: `${token}a` },
    { name: 'bob', role: 'operate', token: `${token}b` },
    { name: 'carol', role: 'admin', token: `${token}:c` }
  ])
  for (const [ADMIN_TOKENS, message] of [
    [`alice:owner:${token}`, /alice: unknown role owner; expected read, operate, admin/],
    [token, /expected name:role:token/],
    [`a:read:${token},a:admin:${token}2`, /ADMIN_TOKENS: two tokens are named a/],
    [`a:read:${token},b:admin:${token}`, /ADMIN_TOKENS: the tokens of a and b are the same/]
  ] as const) {
    const error = t.throws(() => readEnvironment({ ADMIN_TOKENS }), { message }) as unknown as Error
    t.notMatch(error.message, token, 'the message does not contain the token')
  }
  t.throws(() => readEnvironment({ ADMIN_TOKENS_FILE: `${file}.missing` }), { message: /ADMIN_TOKENS_FILE: ENOENT/ })
})

t.test('a list of tokens that has none does not mean that no token is required', async t => {
  const folder = temporaryFolder(t, { comments: '# operators\n\n', empty: '' })
  for (const [name, value] of [
    ['ADMIN_TOKENS', ','], ['ADMIN_TOKENS', ' , ,'],
    ['ADMIN_TOKENS_FILE', join(folder, 'comments')], ['ADMIN_TOKENS_FILE', join(folder, 'empty')]
  ]) {
    for (const more of [{}, { ADMIN_TOKEN: token }]) {
      t.throws(() => readEnvironment({ ...more, [name]: value }), { message: `${name}: expected at least one token` })
    }
  }
})

t.test('pages of other origins need a token', async t => {
  t.same(readEnvironment({ ADMIN_TOKEN: token, ADMIN_ORIGINS: 'https://a.example, *' }).adminOrigins,
    ['https://a.example', '*'])
  t.throws(() => readEnvironment({ ADMIN_ORIGINS: '*' }), { message: /ADMIN_ORIGINS: needs ADMIN_TOKEN/ })
  t.throws(() => readEnvironment({ ADMIN_TOKEN: token, ADMIN_ORIGINS: 'a.example' }), { message: /missing scheme/ })
})

t.test('in production a token needs at least 32 characters, and the error does not contain it', async t => {
  t.throws(() => readEnvironment({
    ADMIN_TOKEN: 'guess me',
    NODE_ENV: 'production'
  }), new SettingsError(['ADMIN_TOKEN: must have at least 32 characters in production']))
  t.equal(readEnvironment({ ADMIN_TOKEN: token, NODE_ENV: 'production' }).tokens![0].token, token)
})
