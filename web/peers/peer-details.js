// The dialog with the details of one peer, kept up to date while it is open.
import { client } from '../base/api.js'
import { eventTypes } from '../client/event-text.js'
import { formatAge, formatBytes, formatEndpoint, formatPlural, formatRate } from '../client/format.js'
import {
  byId, clearLines, createElement, formatDate, messageOf, prependLines, setText, showProblem
} from '../base/dom.js'
import { isOnline } from '../base/connection.js'
import { serverNow } from '../base/server-clock.js'
import { createEventLine } from '../server/events.js'

/** Milliseconds from one refresh to the next. */
const REFRESH_INTERVAL = 1000
/** Milliseconds from the end of the event stream to the next attempt to follow it. */
const RETRY_DELAY = 2000
/** Number of past events that are loaded at first, and of events that the list keeps. */
const RECENT_EVENTS = 100
const MAX_EVENTS = 200

/** Shows a peer; `actions` are `send (id)`, `disconnect (id)`, `ban (address)` and `showRoom (name)`. */
export class PeerDetails {
  #dialog = byId('peer-dialog')
  #actions
  #id
  /** The last state of the peer, and when it was received, in milliseconds. */
  #peer
  #at = 0
  #timer
  #request = new AbortController()
  #stream = new AbortController()
  #lastEventId = ''

  constructor (actions) {
    this.#actions = actions
    this.#dialog.addEventListener('close', () => { this.#stop() })
    byId('peer-send').onclick = () => { actions.send(this.#id) }
    byId('peer-disconnect').onclick = () => { actions.disconnect(this.#id) }
    byId('peer-ban').onclick = () => { actions.ban(this.#peer.address) }
    byId('peer-packets').onchange = () => { this.#followEvents() }
  }

  /** Opens the dialog with this peer. */
  open (id) {
    this.#stop()
    this.#id = id
    this.#peer = undefined
    setText(byId('peer-title'), `Peer ${id}`)
    setText(byId('peer-state'), '')
    byId('peer-state').dataset.state = 'unknown'
    showProblem(byId('peer-problem'))
    byId('peer-facts').replaceChildren()
    for (const part of ['data', 'handshake']) byId(`peer-${part}-part`).hidden = true
    byId('peer-packets').checked = false
    for (const name of ['send', 'disconnect', 'ban']) byId(`peer-${name}`).disabled = true
    if (!this.#dialog.open) this.#dialog.showModal()
    this.#refresh()
    this.#followEvents()
  }

  #stop () {
    clearTimeout(this.#timer)
    this.#request.abort()
    this.#stream.abort()
  }

  async #refresh () {
    const { signal } = this.#request = new AbortController()
    const problem = byId('peer-problem')
    try {
      const peer = await client.call('getPeer', { id: this.#id }, undefined, { signal })
      this.#show(peer)
      showProblem(problem)
    } catch (error) {
      if (signal.aborted) return
      if (error.status === 404) return this.#showGone()
      showProblem(problem, messageOf(error))
    }
    this.#timer = setTimeout(() => { this.#refresh() }, REFRESH_INTERVAL)
  }

  #show (peer) {
    const now = performance.now()
    const isFirst = this.#peer === undefined
    const rates = isFirst ? undefined : ratesOf(this.#peer, peer, (now - this.#at) / 1000)
    this.#peer = peer
    this.#at = now
    setText(byId('peer-state'), peer.state)
    byId('peer-state').dataset.state = peer.state === 'open' ? 'success' : 'warning'
    for (const name of ['send', 'disconnect']) byId(`peer-${name}`).disabled = peer.state !== 'open'
    byId('peer-ban').disabled = false
    showFacts(factsOf(peer, rates, serverNow()), this.#actions)
    showData(peer.data)
    if (isFirst) showHandshake(peer.handshake)
  }

  #showGone () {
    setText(byId('peer-state'), 'left')
    byId('peer-state').dataset.state = 'unknown'
    for (const name of ['send', 'disconnect']) byId(`peer-${name}`).disabled = true
    if (this.#peer === undefined) showProblem(byId('peer-problem'), `Peer ${this.#id} not found; it may have left.`)
  }

  /** Follows the events again, if the dialog is open: the server could not be reached. */
  resume () {
    if (this.#dialog.open) this.#readEvents()
  }

  /** Shows past events of the peer, then follows new ones. */
  #followEvents () {
    clearLines(byId('peer-events'), byId('peer-events-none'))
    showProblem(byId('peer-events-problem'))
    this.#lastEventId = ''
    this.#readEvents()
  }

  /** Shows the events after the last one that is shown, also after an end of the stream. */
  async #readEvents () {
    this.#stream.abort()
    const { signal } = this.#stream = new AbortController()
    const hasPackets = byId('peer-packets').checked
    const types = eventTypes.filter(type => type !== 'packet' || hasPackets).join(',')
    const parameters = { peer: this.#id, recent: RECENT_EVENTS, types, sample: 1 }
    while (!signal.aborted) {
      // `resume` is called when the server can be reached again.
      if (isOnline) await this.#readStream(parameters, signal)
      await new Promise(resolve => setTimeout(resolve, RETRY_DELAY))
    }
  }

  async #readStream (parameters, signal) {
    const [list, placeholder] = [byId('peer-events'), byId('peer-events-none')]
    const problem = byId('peer-events-problem')
    try {
      for await (const { id, event } of client.events(parameters, this.#lastEventId, signal)) {
        this.#lastEventId = id ?? this.#lastEventId
        showProblem(problem)
        if (event.type !== 'open') prependLines(list, placeholder, MAX_EVENTS, createEventLine(event))
      }
    } catch (error) {
      if (!signal.aborted) showProblem(problem, `Cannot load events: ${messageOf(error)}`)
    }
  }
}

/** Packets and bytes per second between two states of a peer. */
function ratesOf (before, after, seconds) {
  const names = ['packetsIn', 'bytesIn', 'packetsOut', 'bytesOut']
  return Object.fromEntries(names.map(name => [name, Math.max(0, after[name] - before[name]) / seconds]))
}

/** Names and values; a value that is a link has the name of its action, too. */
function factsOf (peer, rates, now) {
  const traffic = direction => {
    const [packets, bytes] = [`packets${direction}`, `bytes${direction}`]
    const total = `${formatPlural(peer[packets], 'packet')}, ${formatBytes(peer[bytes])}`
    return rates === undefined
      ? total
      : `${total} · ${formatRate(rates[packets])} packets/s, ${formatBytes(rates[bytes])}/s`
  }
  return [
    ['Address', formatEndpoint(peer.address, peer.port)],
    ['Room', peer.room, 'showRoom'],
    ...(peer.node === undefined ? [] : [['Node', peer.node]]),
    ['Subprotocol', peer.protocol === '' ? 'none' : peer.protocol],
    ['Connected', `for ${formatAge(peer.connectedAt, now)}, since ${formatDate(new Date(peer.connectedAt))}`],
    ['Received', traffic('In')],
    ['Sent', traffic('Out')],
    ['Output buffer', peer.bufferedAmount === 0 ? 'empty' : formatBytes(peer.bufferedAmount)],
    ['Input buffer', peer.unreadPackets === 0 ? 'empty' : formatPlural(peer.unreadPackets, 'packet')],
    ['Reading', peer.paused ? 'paused: rate limited, or a queue is full' : 'active']
  ]
}

function showFacts (facts, actions) {
  const list = byId('peer-facts')
  // Values are updated in place to keep the focus and selected text.
  const isSame = list.childElementCount === facts.length * 2
  if (!isSame) {
    list.replaceChildren(...facts.flatMap(([name, value, action]) => [
      createElement('dt', {}, name),
      createElement('dd', {}, action === undefined ? '' : createRoomLink(value, actions[action]))
    ]))
  }
  for (const [i, [, value]] of facts.entries()) {
    const cell = list.children[i * 2 + 1]
    setText(cell.firstElementChild ?? cell, value)
  }
}

function createRoomLink (name, show) {
  return createElement('button', {
    type: 'button',
    className: 'link',
    title: 'Show the peers of this room',
    onclick: ({ target }) => { show(target.textContent) }
  }, name)
}

function showData (data) {
  byId('peer-data-part').hidden = data === undefined
  setText(byId('peer-data'), data === undefined ? '' : JSON.stringify(data, null, 2))
}

function showHandshake (handshake) {
  byId('peer-handshake-part').hidden = handshake === undefined
  if (handshake === undefined) return
  setText(byId('peer-url'), handshake.url)
  const rows = Object.entries(handshake.headers).map(([name, value]) => createElement('tr', {},
    createElement('th', { scope: 'row' }, name),
    createElement('td', value === '***' ? { className: 'masked', title: 'Redacted: may hold a secret' } : {}, value)))
  byId('peer-headers').replaceChildren(...rows)
}
