import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { resolve } from 'node:path'
import t from 'tap'
import { describeEvent, draw, noColours, type Scene } from '../../src/cli/screen.ts'
import type { ClientEvent } from '../../src/client/client.ts'
import { eventTypes } from '../../src/core/feed-event.ts'
import { startHost } from '../helper/host.ts'
import { within } from '../helper/within.ts'

const cli = resolve(import.meta.dirname, '../../dist/cli.js')
const at = '2025-01-31T12:00:00.000Z'

function scene (peers = 40): Scene {
  const stats = { peers: { open: peers, closing: 1, pending: 2 }, packetsIn: 0, packetsOut: 0, bytesIn: 0, bytesOut: 0, packetsRelayed: 0, packetsDropped: 0, listening: true, refuseNewConnections: false }
  return {
    url: 'http://127.0.0.1:3000',
    state: { listening: true, gdMpApi: true, wire: 'godot3', protocols: ['chat'], refuseNewConnections: false, uptime: 75 } as any,
    trouble: undefined,
    stats,
    history: { peers: [1, 2, 4], packetsIn: [0, 1500], packetsOut: [7], bytesIn: [2048], bytesOut: [0] },
    peers: Array.from({ length: peers }, (_, i) => ({ id: 1836495123 + i, address: '192.0.2.7', port: 50000 + i, protocol: 'chat', state: 'open', connectedAt: new Date().toISOString(), packetsIn: 1, packetsOut: 2, bytesIn: 1536, bytesOut: 20, bufferedAmount: 0 })),
    sort: 'id',
    events: Array.from({ length: 30 }, (_, i): ClientEvent => ({ type: 'peer_connected', at, id: 1000 + i, address: '192.0.2.7', port: 1, protocol: '' })),
    isPaused: false
  }
}

t.test('the picture fits every terminal', async t => {
  for (const columns of [20, 40, 80, 120, 250]) {
    for (const rows of [5, 12, 24, 50]) {
      const lines = draw(scene(), columns, rows, noColours)
      t.ok(lines.length <= rows, `${columns} x ${rows}: ${lines.length} lines`)
      for (const line of columns < 60 ? [] : lines) t.ok([...line].length <= columns, `${columns} x ${rows}: ${[...line].length} columns`)
    }
  }
})

t.test('it shows the state, the rates, the peers and the latest events', async t => {
  const text = draw(scene(), 100, 40, noColours).join('\n')
  for (const pattern of [/● listening for 1m 15s/, /relay, Godot 3 · chat/, /Peers +40 .*▂▄█/, /Packets\/s in +1\.5K/, /Bytes\/s +in +2\.00 KiB/, /1 closing, 2 on the way/,
    /1836495123 +192\.0\.2\.7:50000 +0s +1\.50 KiB +20 B +–/, /joined 1029 from 192\.0\.2\.7:1/]) t.match(text, pattern)
  t.match(draw({ ...scene(0), trouble: 'the service does not answer' }, 100, 40, noColours).join('\n'), /● the service does not answer[^]*Nobody is here\./)
})

t.test('every type of event has its words', async t => {
  const data: Record<string, any> = { reason: 'x', address: 'a', port: 1, mode: 'own', count: 3, id: 7, code: 1000, given: {}, status: 200, act: 'stop', by: null, protocol: 'chat', limit: 'slow-peer', option: 'outputBufferKb', cause: 'server', outcome: 'clean', seconds: 5, bytes: 1, hex: '00', standsFor: 1 }
  for (const type of Object.keys(eventTypes).filter(type => type !== 'stats')) {
    const { text } = describeEvent({ type, at, ...data } as ClientEvent)
    t.not(text, type === 'stopped' ? '' : type, type)
    t.notMatch(text, /undefined|NaN/, type)
  }
})

t.test('in a terminal: it draws, q ends it, and the terminal is as it was', async t => {
  const { join, port } = await startHost(t)
  const { id } = await join()
  // script(1) gives it a terminal.
  const child = spawn('script', ['-qefc', `stty rows 30 cols 100; ${process.execPath} ${cli} watch --url http://127.0.0.1:${port}`, '/dev/null'], { stdio: 'pipe', env: { ...process.env, TERM: 'xterm-256color' } })
  t.teardown(() => child.kill('SIGKILL'))
  let seen = ''
  child.stdout.on('data', data => { seen += data })
  const shows = async (text: string | RegExp): Promise<void> => {
    await within(15, () => `${String(text)} in ${JSON.stringify(seen)}`, (async () => { while (!new RegExp(text).test(seen)) await new Promise(resolve => setTimeout(resolve, 20)) })())
  }
  await shows('listening for')
  await shows(String(id))
  const late = await join()
  await shows(`joined.* ${late.id} from 127`)
  const exit = once(child, 'exit')
  child.stdin.write('q')
  t.same((await within(5, () => 'the end', exit))[0], 0)
  t.ok(seen.includes('\u001B[?1049h'), 'a screen of its own')
  t.match(seen, /\u001B\[\?25h\u001B\[\?1049l\s*$/, 'given back in the end') // eslint-disable-line no-control-regex
})

t.test('where there is no terminal: a line for each event', async t => {
  const { join, port } = await startHost(t)
  const child = spawn(process.execPath, [cli, 'watch', '--url', `http://127.0.0.1:${port}`], { stdio: 'pipe' })
  t.teardown(() => child.kill('SIGKILL'))
  let seen = ''
  child.stdout.on('data', data => { seen += data })
  const ids: number[] = []
  await within(15, () => `a line in ${seen}`, (async () => {
    while (!/joined/.test(seen)) {
      ids.push((await join()).id)
      await new Promise(resolve => setTimeout(resolve, 100))
    }
  })())
  t.match(seen, /^\d{4}-\d\d-\d\dT[\d:.]+Z joined \d+ from 127\.0\.0\.1:\d+$/m)
  const exit = once(child, 'exit')
  child.kill('SIGTERM')
  t.equal((await within(5, () => 'the end', exit))[0], 0)
})
