import t from 'tap'
import { variables } from '../src/environment-variables.ts'
import { describeMisspelt, misspeltVariables } from '../src/misspelt-variables.ts'

const misspellings: Record<string, string> = {
  PING_INTERVALL: 'PING_INTERVAL',
  PINGINTERVAL: 'PING_INTERVAL',
  PNIG_INTERVAL: 'PING_INTERVAL',
  ping_interval: 'PING_INTERVAL',
  pingInterval: 'PING_INTERVAL',
  'PING-INTERVAL': 'PING_INTERVAL',
  MAX_PEER: 'MAX_PEERS',
  MAX_PACKET_PER_SECOND: 'MAX_PACKETS_PER_SECOND',
  ADMIN_TOKN: 'ADMIN_TOKEN',
  ALLOWED_ORIGIN: 'ALLOWED_ORIGINS',
  TRUST_PROXIES: 'TRUST_PROXY',
  LOGLEVEL: 'LOG_LEVEL',
  HOTS: 'HOST',
  POTR: 'PORT',
  WS_PROTOCOL: 'WS_PROTOCOLS',
  TLS_CERTS: 'TLS_CERT',
  host: 'HOST'
}

for (const [name, meant] of Object.entries(misspellings)) {
  t.test(`${name} probably means ${meant}`, async t => {
    t.same(misspeltVariables({ [name]: '1', PATH: '/bin' }), [{ name, meant }])
  })
}

t.test('says what was probably meant', async t => {
  t.equal(describeMisspelt({ name: 'POTR', meant: 'PORT' }), 'unknown and ignored; did you mean PORT?')
})

t.test('variables of the service are not misspelt', async t => {
  t.same(misspeltVariables(Object.fromEntries(Object.keys(variables).map(name => [name, '1']))), [])
})

t.test('variables of shells, containers, orchestrators and CI are not ours', async t => {
  const others = [
    'PATH', 'HOME', 'HOSTNAME', 'HOSTTYPE', 'USER', 'PWD', 'OLDPWD', 'SHLVL', 'SHELL', 'TERM', 'LANG', 'LC_ALL', 'TZ',
    'CI', 'EDITOR', 'LOGNAME', 'MAIL', 'DISPLAY', 'COLUMNS', 'LINES', 'PS1', 'TMPDIR', 'NODE_ENV', 'NODE_OPTIONS',
    'NODE_PATH', 'NO_COLOR', 'FORCE_COLOR', 'DEBUG', 'npm_config_loglevel', 'npm_package_name', 'npm_lifecycle_event',
    'INIT_CWD', 'KUBERNETES_PORT', 'KUBERNETES_SERVICE_HOST', 'KUBERNETES_SERVICE_PORT', 'REDIS_PORT', 'PGHOST',
    'PGPORT', 'DYNO', 'SSL_CERT_FILE', 'SSL_CERT_DIR', 'HTTP_PROXY', 'https_proxy', 'no_proxy', 'JOURNAL_STREAM',
    'INVOCATION_ID', 'NOTIFY_SOCKET', 'GITHUB_TOKEN', 'GITHUB_ACTIONS', 'POD_IP', 'HOST_IP', 'PS4', '_', ''
  ]
  t.same(misspeltVariables(Object.fromEntries(others.map(name => [name, '1']))), [])
})
