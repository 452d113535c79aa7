import t from 'tap'
import type { State } from '../../src/client/operations.ts'
import { draw, noColours, orderOf, sorts } from '../../src/cli/screen.ts'
import { Scene } from '../../src/cli/scene.ts'

const at = '2025-01-31T12:00:00.000Z'

function scene (peers = 40): Scene {
  const stats = { at, peers: { open: peers, closing: 1, pending: 2 }, packetsIn: 0, packetsOut: 0, bytesIn: 0, bytesOut: 0, packetsRelayed: 0, packetsDropped: 0, listening: true, refuseNewConnections: false }
  return Object.assign(new Scene('http://127.0.0.1:3000', 'id'), {
    state: { listening: true, gdMpApi: true, wire: 'godot3', protocols: ['chat'], refuseNewConnections: false, uptime: 75 } as unknown as State,
    stats,
    history: { peers: [1, 2, 4], packetsIn: [0, 1500], packetsOut: [7], bytesIn: [2048], bytesOut: [0] },
    peers: Array.from({ length: peers }, (_, i) => ({ id: 1836495123 + i, address: '192.0.2.7', port: 50000 + i, protocol: 'chat', state: 'open' as const, connectedAt: new Date().toISOString(), packetsIn: 1, packetsOut: 2, bytesIn: 1536, bytesOut: 20, bufferedAmount: 0 })),
    events: Array.from({ length: 30 }, (_, i) => ({ at, tone: 'good' as const, text: `joined ${1000 + i} from 192.0.2.7:1`, count: i === 29 ? 3 : undefined }))
  })
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
    /Id ↑/, /1836495123 +192\.0\.2\.7:50000 +0s +1\.50 KiB +20 B +–/, /and 21 more/, /joined 1029 from 192\.0\.2\.7:1 x3/]) t.match(text, pattern)
  t.match(draw(Object.assign(scene(0), { trouble: 'the service does not answer' }), 100, 40, noColours).join('\n'), /● the service does not answer[^]*Nobody is here\./)
})

t.test('where there is little room the state goes before the keys', async t => {
  const [, head] = draw(scene(), 34, 24, noColours)
  t.match(head, /listening for 1m 15s/)
  t.notMatch(head, /quit/)
})

t.test('what a peer says does not move the cursor', async t => {
  const rude = scene()
  Object.assign(rude.peers[0], { protocol: '\u001B[2J\u009B2J' })
  t.notMatch(draw(rude, 120, 40, noColours).join(''), /[\u001B\u009B]/) // eslint-disable-line no-control-regex
})

t.test('every column has its way to be sorted, marked by what it shows', async t => {
  for (const sort of sorts) t.match(draw(Object.assign(scene(), { sort }), 120, 40, noColours).join('\n'), /[↑↓]/, sort)
  t.match(draw(Object.assign(scene(), { sort: 'connectedAt' }), 120, 40, noColours).join('\n'), /Age ↑/)
  t.equal(orderOf('connectedAt'), 'desc')
})
