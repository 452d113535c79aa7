// The dashboard: puts its parts together and keeps them up to date.
import { ask, chooseServer, openEvents, servers } from './api.js'
import { Chart } from './chart.js'
import { askDisconnect, askSend, askStop, askToken } from './dialogs.js'
import { byId, make, note, setText } from './dom.js'
import { EventLog } from './events.js'
import { brief, bytes, count, duration, rate } from './format.js'
import { PeerTable } from './peers.js'

const REFRESH = 2000
const SOON = 250
/** Events of before that the log begins with. */
const RECENT = 100
const MAX_WAIT = 8000

const types = ['client_connected', 'client_close_request', 'client_disconnected', 'peer_connected', 'peer_disconnected', 'refused', 'limited', 'dropped',
  'listening', 'stopped', 'admin', 'stats']
const charts = {
  peers: new Chart(byId('chart-peers'), ['--accent'], brief),
  packets: new Chart(byId('chart-packets'), ['--in', '--out'], brief),
  bytes: new Chart(byId('chart-bytes'), ['--in', '--out'], bytes, 1024)
}
const peers = new PeerTable({ disconnect: askDisconnect, send: id => { sendTo(id) } })
const log = new EventLog(id => { byId('filter').elements.id.value = id; byId('filter').dispatchEvent(new Event('input')) })

let state
let lastStats
let lastEvent = ''
let stream = new AbortController()
let refreshTimer
let stateTimer

/** Begins as soon as the server lets us in. */
async function enter () {
  try {
    await refreshState()
  } catch (error) {
    if (error.status === 401) return askToken(begin)
    showStatus('bad', error.message)
    setTimeout(enter, REFRESH)
    return
  }
  await begin()
}

async function begin () {
  await refreshState()
  follow()
  refreshPeers()
  for (const id of ['listen', 'refuse', 'send']) byId(id).disabled = false
}

// ---- the state of the server ----

async function refreshState () {
  state = await ask('GET', 'server')
  showState()
}

/** Not for each of many that come at once. */
function refreshStateSoon () {
  clearTimeout(stateTimer)
  stateTimer = setTimeout(() => { refreshState().catch(() => {}) }, SOON)
}

function showState () {
  const { listening, mode, bindIp, port, path, tls, protocols, gdMpApi, wire, refuseNewConnections, uptime } = state
  const host = mode === 'mounted' || bindIp === '*' ? location.hostname : bindIp
  const url = `${tls ? 'wss' : 'ws'}://${host}:${port || location.port}${mode === 'mounted' ? path : ''}`
  setText(byId('endpoint'), `${url} · ${gdMpApi ? `multiplayer relay, ${wire === 'godot4' ? 'Godot 4' : 'Godot 3'}` : 'plain'}${protocols.length === 0 ? '' : ` · ${protocols.join(', ')}`}`)
  peers.setHint(listening ? `Clients find the server at ${url}` : 'The server does not listen.')
  setText(byId('listen'), listening ? 'Stop' : 'Listen')
  byId('refuse').ariaPressed = String(refuseNewConnections)
  if (!listening) showStatus('bad', 'not listening')
  else if (refuseNewConnections) showStatus('warn', 'refusing new connections')
  else showStatus('good', `listening for ${duration(uptime)}`)
}

function showStatus (tone, text) {
  byId('status').dataset.state = tone
  setText(byId('status'), text)
}

// ---- events ----

/** Follows the events for ever; after a break it goes on where it was. */
async function follow () {
  let wait = 500
  for (;;) {
    stream = new AbortController()
    const wanted = log.wanted.has('packets') ? [...types, 'packet'] : types
    try {
      for await (const { id, type, data } of openEvents({ types: wanted.join(','), sample: 1, recent: RECENT }, lastEvent, stream.signal)) {
        lastEvent = id ?? lastEvent
        wait = 500
        if (data !== undefined) happened(type, data)
      }
    } catch (error) {
      if (error.status === 401) return askToken(begin)
    }
    if (stream.signal.aborted) continue
    showStatus('bad', 'connection lost, trying again')
    await new Promise(resolve => setTimeout(resolve, wait))
    wait = Math.min(wait * 2, MAX_WAIT)
  }
}

function happened (type, data) {
  if (type === 'stats') return showStats(data)
  log.add(data)
  if (/_connected$|_disconnected$|^reset$/.test(type)) refreshSoon()
  if (/^(listening|stopped|admin|reset)$/.test(type)) refreshStateSoon()
}

/** Draws the totals, and what they have grown by since the last time. */
function showStats (stats) {
  peers.setClock(stats.at)
  const { open, closing, pending } = stats.peers
  setText(byId('peers-now'), count(open))
  setText(byId('peers-more'), [closing > 0 ? `${count(closing)} closing` : '', pending > 0 ? `${count(pending)} on the way` : ''].filter(Boolean).join(', '))
  charts.peers.add(open)
  const seconds = lastStats === undefined ? 0 : (Date.parse(stats.at) - Date.parse(lastStats.at)) / 1000
  const growth = name => seconds > 0 ? Math.max(0, stats[name] - lastStats[name]) / seconds : 0
  const rates = { packetsIn: growth('packetsIn'), packetsOut: growth('packetsOut'), bytesIn: growth('bytesIn'), bytesOut: growth('bytesOut') }
  charts.packets.add(rates.packetsIn, rates.packetsOut)
  charts.bytes.add(rates.bytesIn, rates.bytesOut)
  setText(byId('packets-in'), rate(rates.packetsIn))
  setText(byId('packets-out'), rate(rates.packetsOut))
  setText(byId('bytes-in'), bytes(rates.bytesIn))
  setText(byId('bytes-out'), bytes(rates.bytesOut))
  lastStats = stats
  const { listening, refuseNewConnections } = stats
  Object.assign(state, { listening, refuseNewConnections, uptime: state.uptime + seconds })
  showState()
}

// ---- peers ----

function refreshPeers () {
  clearTimeout(refreshTimer)
  if (!document.hidden) peers.refresh().catch(() => {})
  refreshTimer = setTimeout(refreshPeers, REFRESH)
}

/** Not for each of many that come at once. */
function refreshSoon () {
  clearTimeout(refreshTimer)
  refreshTimer = setTimeout(refreshPeers, SOON)
}

// ---- several servers ----

byId('server').append(...servers.map(name => make('option', {}, name)))
byId('server').hidden = servers.length === 1
byId('server').onchange = ({ target }) => {
  chooseServer(target.value)
  lastStats = undefined
  lastEvent = ''
  for (const part of [...Object.values(charts), log, peers]) part.clear()
  refreshState().then(() => { stream.abort() }, error => { note(error.message) })
}

// ---- what can be pressed ----

byId('send').onclick = () => { sendTo(peers.focused) }
byId('refuse').onclick = () => { change({ refuseNewConnections: !state.refuseNewConnections }) }
byId('listen').onclick = () => { if (state.listening) askStop(); else listen() }
byId('kinds').addEventListener('change', ({ target }) => { if (target.name === 'packets') stream.abort() })
document.addEventListener('visibilitychange', () => { if (!document.hidden && state !== undefined) refreshPeers() })

/** Godot 3 hands on what begins with the number of a raw packet; for Godot 4 the server itself puts it there. */
function sendTo (id) {
  askSend(id, state.gdMpApi && state.wire === 'godot3')
}

async function change (properties) {
  try {
    state = await ask('PATCH', 'server', { json: properties })
    showState()
  } catch (error) {
    note(error.message)
  }
}

async function listen () {
  try {
    state = await ask('POST', 'server/listen', { json: {} })
    showState()
  } catch (error) {
    note(error.message)
  }
}

const keys = {
  '/': () => { byId('filter-address').focus() },
  s: () => { sendTo(peers.focused) },
  d: () => { if (peers.focused !== undefined) askDisconnect(peers.focused) },
  p: () => { log.pause() }
}

document.addEventListener('keydown', event => {
  const isTyping = event.target.closest('input, textarea, select, dialog') !== null
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || state === undefined || !Object.hasOwn(keys, event.key)) return
  event.preventDefault()
  keys[event.key]()
})

enter()
