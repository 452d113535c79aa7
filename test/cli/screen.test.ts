import stringWidth from 'string-width'
import t from 'tap'
import type { Node, State } from '../../src/client/operations.ts'
import { coloured, plain, renderScreen, sortFields, sortOrder } from '../../src/cli/screen.ts'
import { WatchState } from '../../src/cli/watch-state.ts'

const at = '2025-01-31T12:00:00.000Z'

function stateWith (peers = 40): WatchState {
  const server = {
    listening: true, gdMpApi: true, wire: 'godot3', protocols: ['chat'], refuseNewConnections: false, uptime: 75
  } as unknown as State
  const stats = {
    at,
    peers: { open: peers, closing: 1, pending: 2 },
    packetsIn: 0,
    packetsOut: 0,
    bytesIn: 0,
    bytesOut: 0,
    packetsRelayed: 0,
    packetsDropped: 0,
    listening: true,
    refuseNewConnections: false
  }
  return Object.assign(new WatchState('http://127.0.0.1:3000', 'id'), {
    server,
    stats,
    history: { peers: [1, 2, 4], packetsIn: [0, 1500], packetsOut: [7], bytesIn: [2048], bytesOut: [0] },
    peers: Array.from({ length: peers }, (_, i) => ({
      id: 1836495123 + i,
      address: '192.0.2.7',
      port: 50000 + i,
      protocol: 'chat',
      state: 'open' as const,
      connectedAt: new Date().toISOString(),
      packetsIn: 1,
      packetsOut: 2,
      bytesIn: 1536,
      bytesOut: 20,
      bufferedAmount: 0
    })),
    events: Array.from({ length: 30 }, (_, i) => ({
      at,
      severity: 'success' as const,
      heading: 'joined',
      text: `${1000 + i} from 192.0.2.7:1`,
      count: i === 29 ? 3 : undefined
    }))
  })
}

function textOf (state: WatchState, columns = 120, rows = 40): string {
  return renderScreen(state, columns, rows, plain).join('\n')
}

t.test('fits every terminal from 60 columns, and every number of rows', async t => {
  for (const columns of [20, 40, 60, 80, 120, 250]) {
    for (const rows of [5, 12, 24, 50]) {
      for (const theme of [plain, coloured]) {
        const lines = renderScreen(stateWith(), columns, rows, theme)
        t.ok(lines.length <= rows, `${columns} x ${rows}: ${lines.length} lines`)
        // On a narrower terminal the rates do not fit; the terminal cuts lines there.
        const widest = Math.max(...lines.map(line => stringWidth(line)))
        t.ok(widest <= Math.max(columns, 60), `${columns} x ${rows}: ${widest} columns`)
      }
    }
  }
})

t.test('shows state, rates, peers and the latest events', async t => {
  const text = textOf(stateWith(), 100)
  for (const pattern of [
    /● listening for 1m 15s/,
    /multiplayer relay, Godot 3 · chat/,
    /Peers +40 .*▂▄█/,
    /Packets\/s in +1\.5K/,
    /Bytes\/s +in +2 KiB/,
    /1 closing, 2 pending/,
    /Id ↑/,
    /1836495123 +192\.0\.2\.7:50000 +0s +1\.50 KiB +20 B +–/,
    /and 21 more/,
    /joined 1029 from 192\.0\.2\.7:1 ×3/
  ]) t.match(text, pattern)
})

t.test('shows a lost connection, and that there are no peers', async t => {
  const text = textOf(Object.assign(stateWith(0), { lostReason: 'no response from the service' }), 100)
  t.match(text, /● connection lost, retrying: no response from the service[^]*No peers connected\./)
})

t.test('shows that the node of a cluster refuses clients', async t => {
  const textIn = (state: Node['state']): string => textOf(Object.assign(stateWith(0), { node: { state } as Node }))
  t.match(textIn('ready'), /● listening for 1m 15s/)
  t.match(textIn('draining'), /● draining/)
  t.match(textIn('joining'), /● not in the cluster/)
})

t.test('omits the keys on a narrow terminal', async t => {
  const [, header] = renderScreen(stateWith(), 34, 24, plain)
  t.match(header, /listening for 1m 15s/)
  t.notMatch(header, /quit/)
})

t.test('marks the sorted column with the direction of the values it shows', async t => {
  for (const sort of sortFields) t.match(textOf(Object.assign(stateWith(), { sort })), /[↑↓]/, sort)
  t.match(textOf(Object.assign(stateWith(), { sort: 'connectedAt' })), /Age ↑/)
  t.equal(sortOrder('connectedAt'), 'desc')
})

t.test('shows the room of each peer on a server with rooms', async t => {
  const state = stateWith(2)
  t.notMatch(textOf(state), /Room/)
  Object.assign(state, {
    server: { ...state.server, rooms: { enabled: true, count: 2 } },
    peers: state.peers.map(peer => ({ ...peer, room: 'arena-7' }))
  })
  t.match(textOf(state), /Address +Room +/)
  t.match(textOf(state), /192\.0\.2\.7:50000 +arena-7 +/)
})

t.test('names the room that it shows, and counts its peers', async t => {
  const state = Object.assign(new WatchState('http://127.0.0.1:3000', 'id', 'arena-7'), stateWith(40), {
    room: 'arena-7', members: 500
  })
  t.match(textOf(state), /multiplayer relay, Godot 3 · chat · room arena-7/)
  t.match(textOf(state), /and 48\d more/)
})
