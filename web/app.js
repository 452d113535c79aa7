// The dashboard: creates its parts and keeps them up to date.
import { client, hasToken, loadServers, selectServer, servers } from './base/api.js'
import { bansChanged, createBanTable, liftBan, openBan } from './peers/bans.js'
import { openBanSelected, openDisconnectSelected, selectedRecipients } from './peers/bulk-actions.js'
import { eventTypes } from './client/event-text.js'
import { describeMode, formatCount, formatDuration, formatPlural } from './client/format.js'
import { describeListening } from './client/listening-text.js'
import { isOnline, setOnline } from './base/connection.js'
import { openCloseRoom, openDisconnect, openDrain, openSend, openStop } from './base/dialogs.js'
import { byId, createElement, messageOf, setText, showDone, showToast } from './base/dom.js'
import { EventList } from './server/events.js'
import { NodeTable } from './server/nodes.js'
import { PeerDetails } from './peers/peer-details.js'
import { createPeerTable } from './peers/peers.js'
import { openChangeRoom, openNewRoom } from './rooms/room-dialog.js'
import { createRoomTable } from './rooms/rooms.js'
import { Selection, showSelection } from './base/selection.js'
import { setServerTime } from './base/server-clock.js'
import { storageOf } from './base/storage.js'
import { openSignIn } from './server/sign-in.js'
import { TestClient } from './test-client/test-client.js'
import { Traffic } from './server/traffic.js'

/** Milliseconds from one refresh of the lists to the next. */
const REFRESH_INTERVAL = 2000
/** Milliseconds from an event to the refresh it causes, which covers all events until then. */
const REFRESH_DELAY = 250
/** Number of past events that are loaded at first. */
const RECENT_EVENTS = 100
/** Milliseconds until the first attempt to reconnect, and at most until any other. */
const MIN_RETRY_DELAY = 500
const MAX_RETRY_DELAY = 8000
/** Milliseconds without an event after which the connection counts as lost; the server sends one every second. */
const MAX_SILENCE = 10_000
const SILENT = 'silent'

const traffic = new Traffic()
const selection = new Selection()
const peers = createPeerTable(selection, {
  show: id => { details.open(id) },
  send: id => { sendTo(id) },
  disconnect: openDisconnect,
  ban: banHost
})
showSelection(selection, peers, {
  send: () => { sendToSelection() },
  disconnect: () => { openDisconnectSelected(selection) },
  ban: () => { openBanSelected(selection) }
})
const details = new PeerDetails({
  send: id => { sendTo(id) },
  disconnect: openDisconnect,
  ban: banHost,
  showRoom: name => {
    byId('peer-dialog').close()
    showPeersOf(name)
  }
})
const bans = createBanTable(address => { liftBan(address).then(refreshBans) })
const testClient = new TestClient()
const rooms = createRoomTable({
  show: name => { showPeersOf(name) },
  change: name => { openChangeRoom(name, () => { rooms.refresh() }).catch(error => { showToast(messageOf(error)) }) },
  setLocked: (name, locked) => { changeRoom(client.call('updateRoom', { room: name }, { locked })) },
  close: openCloseRoom
})
const nodes = new NodeTable(openDrain)
const events = new EventList(id => { peers.filterBy('id', id) })

/** State of the server; undefined until it is loaded. */
let state
/** Number of the latest request for the state of a server, and of the one whose response is shown. */
let stateRequests = 0
let shownRequest = 0
/** `live`: the server sends events; `reachable`: it responds, but sends none; `lost`: neither. */
let connection = 'lost'
/** Number of rooms, in a cluster of all nodes; undefined until the server has reported it. */
let roomCount
let lastEventId = ''
let stream = new AbortController()
/** Ends the pause before the next attempt to follow the events. */
let endPause = () => {}
let silenceTimer
let refreshTimer
let isRefreshing = false
/** Whether an event has happened that the lists do not show yet. */
let isRefreshDue = false
let stateTimer

/** Retries until the server responds; asks for a token if it requires one. */
async function open () {
  try {
    if (servers.length === 0) await showServers()
    await refreshState()
  } catch (error) {
    if (error.status === 401) return openSignIn(start, hasToken() ? messageOf(error) : undefined)
    showStatus('error', messageOf(error))
    setTimeout(open, REFRESH_INTERVAL)
    return
  }
  byId('sign-out').hidden = !hasToken()
  followEvents()
}

async function start () {
  await refreshState()
  followEvents()
}

// ---- state of the server ----

async function refreshState () {
  const asked = client
  const request = ++stateRequests
  const current = await client.call('getServer')
  if (client !== asked || request < shownRequest) return
  shownRequest = request
  state = current
  updateOnline()
  showState()
  nodes.refresh().then(() => { if (client === asked) showState() })
}

function updateOnline () {
  setOnline(connection !== 'lost' && state !== undefined)
}

function scheduleStateRefresh () {
  clearTimeout(stateTimer)
  stateTimer = setTimeout(() => { refreshState().catch(() => {}) }, REFRESH_DELAY)
}

function showState () {
  const { listening, protocols, refuseNewConnections, uptime, node } = state
  showRooms()
  const url = endpointUrl(state)
  setText(byId('endpoint'), [url, describeMode(state), protocols.join(', ')].filter(Boolean).join(' · '))
  const [severity, text] = describeListening(state, nodes.stateOf(node))
  peers.setHint(severity === 'success' ? `Clients connect to ${url}` : `The server is ${text}.`)
  if (url !== undefined) testClient.setEndpoint(url, state)
  setText(byId('listen'), listening ? 'Stop' : 'Listen')
  setText(byId('stop-code'), state.settings.stopCode)
  setText(byId('stop-peers'), node === undefined ? formatPlural(state.peers.open, 'peer') : `all peers of ${node}`)
  byId('listen').classList.toggle('dangerous', listening)
  byId('refuse').ariaPressed = String(refuseNewConnections)
  if (connection === 'live') showStatus(severity, text, severity === 'success' ? `for ${formatDuration(uptime)}` : '')
}

/** Shows the list of rooms, unless `main` is the only one and there cannot be others. */
function showRooms () {
  const { enabled } = state.rooms
  // The state of a node has the rooms of that node alone.
  const count = state.node === undefined ? state.rooms.count : roomCount
  const isShown = enabled || count > 1
  byId('rooms-section').hidden = byId('filter-room').hidden = !isShown
  byId('open-room').disabled = !enabled
  byId('peers').classList.toggle('one-room', !isShown)
  setText(byId('rooms-count'), count === undefined ? '' : formatCount(count))
}

/**
 * The URL of the endpoint: a mounted one has the host, the TLS and the prefix of this page, another its own port, where
 * the path matters only if it names rooms. Undefined while any free port is its port.
 */
function endpointUrl ({ mode, bindIp, port, path, tls, rooms: { enabled } }) {
  if (mode === 'mounted') return new URL(`.${path}`, location.href).href.replace(/^http/, 'ws')
  if (port === 0) return undefined
  const host = ['*', '0.0.0.0', '::'].includes(bindIp) ? location.hostname : bindIp
  const name = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host
  return `${tls ? 'wss' : 'ws'}://${name}:${port}${enabled ? path : ''}`
}

/** Screen readers announce every change of `text`, but not `uptime`. */
function showStatus (severity, text, uptime = '') {
  byId('status').dataset.state = severity
  setText(byId('status'), text)
  setText(byId('uptime'), uptime)
}

// ---- events ----

/** Follows the events until the token is rejected; resumes after a lost connection. */
async function followEvents () {
  let retryDelay = MIN_RETRY_DELAY
  for (;;) {
    const { signal } = stream = new AbortController()
    let problem
    try {
      const parameters = { types: requestedTypes(), sample: 1, merge: true, recent: RECENT_EVENTS }
      expectEvent()
      for await (const { id, event } of client.events(parameters, lastEventId, signal)) {
        if (signal.aborted) break
        expectEvent()
        lastEventId = id ?? lastEventId
        retryDelay = MIN_RETRY_DELAY
        // A stream begins with one of these.
        if (event.type === 'open' || event.type === 'reset') connected()
        if (event.type !== 'open') receive(event)
      }
    } catch (error) {
      if (error.status === 401) return signInAgain(error)
      problem = error
    }
    if (signal.aborted && signal.reason !== SILENT) continue
    disconnected(problem)
    const asked = client
    await new Promise(resolve => {
      endPause = resolve
      setTimeout(resolve, retryDelay)
    })
    retryDelay = client === asked ? Math.min(retryDelay * 2, MAX_RETRY_DELAY) : MIN_RETRY_DELAY
  }
}

/** Reloads everything: after a lost connection the server may be another one. */
function connected () {
  connection = 'live'
  updateOnline()
  refreshState().catch(() => {})
  traffic.load().catch(error => { showToast(messageOf(error)) })
  bansChanged()
  refreshLists()
  details.resume()
}

/** A problem with a code came from the server itself: it is reachable, but refuses this event stream for now. */
function disconnected (problem) {
  connection = problem?.problem?.code === undefined ? 'lost' : 'reachable'
  updateOnline()
  showStatus('error', connection === 'lost' ? 'connection lost, retrying' : `no live events: ${messageOf(problem)}`)
  if (connection === 'reachable') refreshLists()
}

function expectEvent () {
  clearTimeout(silenceTimer)
  silenceTimer = setTimeout(() => { stream.abort(SILENT) }, MAX_SILENCE)
}

function signInAgain (error) {
  clearTimeout(silenceTimer)
  connection = 'lost'
  updateOnline()
  showStatus('error', 'signed out')
  openSignIn(start, messageOf(error))
}

function requestedTypes () {
  const hasPackets = events.categories.has('packets')
  return [...eventTypes.filter(type => type !== 'packet' || hasPackets), 'stats'].join(',')
}

function receive (event) {
  if (event.type === 'stats') return showStats(event)
  events.add(event)
  if (/ban(Peers)?$/.test(event.action)) bansChanged()
  if (/_connected$|_disconnected$|^room_|_moved$|^node_|^merged$|^admin$/.test(event.type)) scheduleRefresh()
  if (/_disconnected$/.test(event.type)) selection.drop(event.id)
  if (/_disconnected$/.test(event.of)) selection.someHaveLeft()
  // Its peers may have left, too: the server may have been restarted.
  if (event.type === 'reset') selection.clear()
  if (/^(listening|stopped|admin)$/.test(event.type)) scheduleStateRefresh()
}

/** Shows totals, and rates since the last totals. */
function showStats (stats) {
  setServerTime(stats.at)
  const seconds = traffic.add(stats)
  if (state === undefined) return
  const { listening, refuseNewConnections, peers } = stats
  Object.assign(state, { listening, refuseNewConnections, peers, uptime: state.uptime + seconds })
  state.rooms.count = stats.rooms
  roomCount = stats.rooms
  showState()
}

// ---- peers, rooms and nodes ----

/** Refreshes the lists, and schedules the next refresh when they have loaded, which an unresponsive node delays. */
async function refreshLists () {
  clearTimeout(refreshTimer)
  if (isRefreshing) {
    isRefreshDue = true
    return
  }
  isRefreshing = true
  isRefreshDue = false
  if (state === undefined && connection !== 'lost') await refreshState().catch(() => {})
  if (!document.hidden && isOnline) {
    const tables = [peers, bans, ...(byId('rooms-section').hidden ? [] : [rooms]), ...(nodes.isShown ? [nodes] : [])]
    await Promise.allSettled(tables.map(table => table.refresh()))
  }
  isRefreshing = false
  clearTimeout(refreshTimer)
  refreshTimer = setTimeout(refreshLists, isRefreshDue ? REFRESH_DELAY : REFRESH_INTERVAL)
}

function scheduleRefresh () {
  const isScheduled = isRefreshing || isRefreshDue
  isRefreshDue = true
  if (isScheduled) return
  clearTimeout(refreshTimer)
  refreshTimer = setTimeout(refreshLists, REFRESH_DELAY)
}

function refreshBans () {
  bansChanged()
  bans.refresh()
}

function showPeersOf (room) {
  peers.filterBy('room', room)
}

/** Reloads the rooms after a call that changes one. */
async function changeRoom (call) {
  try {
    await call
    await rooms.refresh()
  } catch (error) {
    showToast(messageOf(error))
  }
}

// ---- selection of the server ----

/** Loads the names of the servers, and shows them if there are several. */
async function showServers () {
  await loadServers()
  byId('server').append(...servers.map(name => createElement('option', {}, name)))
  byId('server').hidden = servers.length === 1
}

byId('server').onchange = ({ target }) => {
  selectServer(target.value)
  lastEventId = ''
  state = undefined
  roomCount = undefined
  connection = 'lost'
  updateOnline()
  showStatus('unknown', 'connecting')
  setText(byId('endpoint'), '\u00a0')
  testClient.forgetEndpoint()
  traffic.clear()
  events.clear()
  selection.clear()
  for (const table of [nodes, peers, rooms, bans]) table.reset()
  stream.abort()
  endPause()
  refreshState().catch(error => { showToast(messageOf(error)) })
}

// ---- buttons ----

byId('send').onclick = () => { sendTo(focusedPeer()) }
byId('add-ban').onclick = () => { openBan(undefined, refreshBans) }
byId('open-room').onclick = () => { openNewRoom(() => { rooms.refresh() }) }
byId('refuse').onclick = () => {
  changeState(client.call('changeServer', {}, { refuseNewConnections: !state.refuseNewConnections }))
}
byId('listen').onclick = () => {
  if (!state.listening) changeState(client.call('listen', {}, {}))
  else {
    const asked = client
    openStop(state.settings.closeTimeout, response => { showChanged(response, asked) })
    // The number of peers in the dialog may be a second old.
    refreshState().catch(error => { showToast(messageOf(error)) })
  }
}
byId('categories').addEventListener('change', ({ target }) => { if (target.name === 'packets') stream.abort() })
document.addEventListener('visibilitychange', () => { if (!document.hidden && state !== undefined) refreshLists() })

/** The id of the peer whose row has the focus. */
function focusedPeer () {
  return peers.focusedKey === undefined ? undefined : Number(peers.focusedKey)
}

function sendTo (id) {
  openSend(id, hasRawPackets())
}

function sendToSelection () {
  openSend(undefined, hasRawPackets(), selectedRecipients(selection))
}

/** Asks for a ban of an address; an IPv6 host usually has all addresses of its network of 64 bits. */
function banHost (address) {
  openBan(address.includes(':') ? `${address}/64` : address, refreshBans)
}

function hasRawPackets () {
  return state.gdMpApi && state.wire === 'godot3'
}

/** Shows the new state of the server, with which `call` resolves. */
async function changeState (call) {
  const asked = client
  try {
    showChanged(await call, asked)
  } catch (error) {
    showToast(messageOf(error))
  }
}

/** Shows the new state of the server, unless another server than the one that was asked is shown by now. */
function showChanged ({ partial, unreachable, ...changed }, asked) {
  if (partial) showDone('Changed', { partial, unreachable })
  if (client !== asked) return
  shownRequest = ++stateRequests
  state = changed
  showState()
}

// ---- keys ----

/** Keys of one letter can be turned off, as speech input presses them by accident (WCAG 2.2, 2.1.4). */
const SHORTCUTS = 'keyboard shortcuts'
const settings = storageOf('localStorage')
byId('shortcuts').checked = settings.getItem(SHORTCUTS) !== 'off'
byId('shortcuts').onchange = ({ target }) => {
  if (target.checked) settings.removeItem(SHORTCUTS)
  else settings.setItem(SHORTCUTS, 'off')
}

const keys = {
  '/': () => { byId('filter-address').focus() },
  s: () => { sendTo(focusedPeer()) },
  d: () => { if (focusedPeer() !== undefined) openDisconnect(focusedPeer()) },
  b: () => { document.activeElement.closest('#peers tbody tr')?.querySelector('.ban').click() },
  x: () => { document.activeElement.closest('#peers tbody tr')?.querySelector('.select input').click() },
  p: () => { events.togglePause() }
}

document.addEventListener('keydown', event => {
  const isTyping = event.target.closest('input:not([type=checkbox]), textarea, select, dialog') !== null
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey || state === undefined || !isOnline) return
  if (!byId('shortcuts').checked || !Object.hasOwn(keys, event.key)) return
  event.preventDefault()
  keys[event.key]()
})

open()
