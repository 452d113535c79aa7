// The log of events: the latest first, written in batches so that a crowd does not hold up the page.
import { byId, make, setText } from './dom.js'
import { clock, count, duration } from './format.js'

const KEPT = 500
const SHOWN = 150

const kinds = {
  client_connected: 'peers',
  peer_connected: 'peers',
  client_close_request: 'peers',
  client_disconnected: 'peers',
  peer_disconnected: 'peers',
  refused: 'trouble',
  limited: 'trouble',
  dropped: 'trouble',
  packet: 'packets'
}

/** Shows events; `onPeer` is called with an id that is pressed. */
export class EventLog {
  #list = byId('events')
  #onPeer
  #kept = []
  #waiting = []
  #isPaused = false

  constructor (onPeer) {
    this.#onPeer = onPeer
    byId('kinds').addEventListener('change', () => { this.#showAll() })
    byId('pause').onclick = () => { this.pause() }
  }

  /** Which kinds are wanted: peers, trouble, admin, packets. */
  get wanted () {
    return new Set([...byId('kinds').querySelectorAll(':checked')].map(({ name }) => name))
  }

  /** Adds an event. */
  add (event) {
    if (this.#waiting.length === 0 && !this.#isPaused) requestAnimationFrame(() => { this.#write() })
    this.#waiting.push(event)
    if (this.#waiting.length > KEPT) this.#waiting.shift()
    if (this.#isPaused) this.#showPause()
  }

  /** Forgets all events. */
  clear () {
    this.#kept = []
    this.#waiting = []
    this.#showAll()
  }

  /** Stops to show what comes, or shows it again. */
  pause () {
    this.#isPaused = !this.#isPaused
    byId('pause').ariaPressed = String(this.#isPaused)
    if (!this.#isPaused) this.#write()
    this.#showPause()
  }

  #showPause () {
    setText(byId('pause'), !this.#isPaused || this.#waiting.length === 0 ? 'Pause' : `Pause · ${count(this.#waiting.length)} new`)
  }

  #write () {
    if (this.#isPaused) return
    const fresh = this.#waiting
    this.#waiting = []
    this.#kept = [...this.#kept, ...fresh].slice(-KEPT)
    const { wanted } = this
    const lines = fresh.filter(event => wanted.has(kindOf(event))).slice(-SHOWN).map(event => this.#line(event)).reverse()
    this.#list.prepend(...lines)
    while (this.#list.childElementCount > SHOWN) this.#list.lastElementChild.remove()
    this.#showNone()
  }

  #showAll () {
    const { wanted } = this
    this.#list.replaceChildren(...this.#kept.filter(event => wanted.has(kindOf(event))).slice(-SHOWN).map(event => this.#line(event)).reverse())
    this.#showNone()
  }

  #showNone () {
    const isEmpty = this.#list.childElementCount === 0
    this.#list.hidden = isEmpty
    byId('events-none').hidden = !isEmpty
  }

  #line (event) {
    const { tone, parts } = tell(event)
    const line = make('li', {}, make('time', {}, clock(new Date(event.at))), make('span', {}, ...parts.map(part => typeof part === 'number' ? this.#peer(part) : part)))
    line.dataset.tone = tone
    line.dataset.type = event.type
    return line
  }

  #peer (id) {
    return make('button', { type: 'button', onclick: () => { this.#onPeer(id) } }, String(id))
  }
}

function kindOf ({ type }) {
  return kinds[type] ?? 'admin'
}

const strong = text => make('b', {}, text)
const quoted = text => text === '' ? '' : ` “${text}”`
const times = number => number > 1 ? ` ×${count(number)}` : ''
const about = id => id === undefined ? [] : [' by ', id]

const joined = ({ id, address, port, protocol }) => ({ tone: 'good', parts: [strong('joined '), id, ` from ${address}:${port}${protocol === '' ? '' : ` · ${protocol}`}`] })
const left = ({ id, cause, outcome, code, reason, seconds }) => ({
  tone: outcome === 'clean' ? 'calm' : 'warn',
  parts: [strong('left '), id, ` ${causes[cause] ?? cause}, ${code}${quoted(reason)} after ${duration(seconds)}${outcome === 'timeout' ? ', unanswered' : ''}`]
})
const causes = {
  client: 'by itself',
  server: 'disconnected by the server',
  stop: 'as the server stopped',
  protocol: 'for a breach of the protocol',
  slow: 'for it read too slowly',
  flood: 'for it sent too much',
  silent: 'for it was silent',
  reset: 'as the connection broke'
}

/** What each type of event says, in a line: numbers in it are ids of peers. */
const sentences = {
  client_connected: joined,
  peer_connected: joined,
  client_close_request: ({ id, code, reason }) => ({ tone: 'calm', parts: [id, ` asks to close, ${code}${quoted(reason)}`] }),
  client_disconnected: left,
  peer_disconnected: left,
  refused: ({ reason, address, count }) => ({ tone: 'warn', parts: [strong('refused '), `${reason} · ${address}${times(count)}`] }),
  limited: ({ limit, option, id, address, count }) => ({ tone: 'warn', parts: [strong('limit '), `${limit} (${option})`, ...about(id), `${address === undefined ? '' : ` · ${address}`}${times(count)}`] }),
  dropped: ({ id, reason, count }) => ({ tone: 'warn', parts: [strong('dropped '), reason, ...about(id), times(count)] }),
  listening: ({ mode, port, protocols, gdMpApi }) => ({ tone: 'good', parts: [strong('listening '), `on port ${port} (${mode}), ${gdMpApi ? 'multiplayer' : 'plain'}${protocols.length > 0 ? `, ${protocols.join(' ')}` : ''}`] }),
  stopped: () => ({ tone: 'bad', parts: [strong('stopped')] }),
  admin: ({ action, by, id, parameters, status }) => ({
    tone: status < 400 ? 'calm' : 'bad',
    parts: [strong(`${by ?? 'someone'} `), `${action} `, ...(id === undefined ? [] : [id, ' ']), make('span', { className: 'given' }, inWords(parameters)), ` → ${status}`]
  }),
  unauthorized: ({ status, address, count }) => ({ tone: 'warn', parts: [strong('unauthorized '), `${status} · ${address}${times(count)}`] }),
  packet: ({ id, target, isText, bytes, hex, standsFor }) => ({
    tone: 'calm',
    parts: [strong('packet '), id, target === undefined ? '' : ` → ${target === 0 ? 'all' : target}`, ` ${count(bytes)} B ${isText ? 'text' : 'binary'}${standsFor > 1 ? `, one of ${count(standsFor)}` : ''} `, make('code', {}, isText ? textOf(hex) : hex)]
  }),
  reset: () => ({ tone: 'warn', parts: [strong('a gap: '), 'what happened meanwhile is no longer known'] })
}

function tell (event) {
  return sentences[event.type]?.(event) ?? { tone: 'calm', parts: [JSON.stringify(event)] }
}

/** What was given with an act: `code 4001, reason “rude”`. */
function inWords (given) {
  return Object.entries(given).map(([name, value]) => `${name} ${typeof value === 'string' ? `“${value}”` : JSON.stringify(value)}`).join(', ')
}

function textOf (hex) {
  return new TextDecoder().decode(Uint8Array.from(hex.match(/../g) ?? [], pair => parseInt(pair, 16)))
}
