import t from 'tap'
import { startService } from '../helper/programs/service.ts'
import { skipWithout } from '../helper/programs/skip-without.ts'
import { ask, join, testProxy } from './contract.ts'
import { caddy, caddyFile, caddySite } from './kinds.ts'
import { startProgram } from './start.ts'

testProxy(caddy)

t.test('the site for players has no administration', { ...skipWithout('caddy'), timeout: 60_000 }, async t => {
  const service = await startService(t, {
    ADMIN_TOKEN: 'a token of more than thirty-two characters',
    TRUST_PROXY: '127.0.0.1',
    WS4_PATH: '/ws4',
    ROOMS: 'true',
    LOBBY: 'true',
    CLOSE_TIMEOUT: '0.3'
  })
  const { port } = await startProgram(t, caddy, (folder, port) =>
    caddyFile(caddySite('caddy/players.Caddyfile', folder, port, { '127.0.0.1:3000': `127.0.0.1:${service.port}` })))
  const url = `https://localhost:${port}`
  for (const path of ['/ws', '/ws/arena-7', '/ws4', '/ws4/arena-7']) await join(t, { port }, path)
  for (const path of ['/lobby/rooms', '/lobby/godot4/rooms']) t.equal((await ask({ url }, path)).status, 200, path)
  for (const path of ['/', '/api/v1/server', '/dashboard', '/docs', '/metrics', '/readyz', '/wsx']) {
    t.equal((await ask({ url }, path)).status, 404, path)
  }
})
