// The dialog with everything that is known of one peer, kept up to date while it is open.
import { client } from '../base/api.js'
import { eventTypes } from '../client/event-text.js'
import { formatBytes, formatCount, formatDuration, formatEndpoint, formatPlural, formatRate } from '../client/format.js'
import { byId, createElement, messageOf, setText, showProblem } from '../base/dom.js'
import { createEventLine } from '../server/events.js'

/** Milliseconds from one refresh to the next. */
const REFRESH_INTERVAL = 1000
/** Past events that the list begins with, and events that it keeps. */
const RECENT_EVENTS = 100
const MAX_EVENTS = 200

/** Shows a peer; `actions` are `send (id)`, `disconnect (id)`, `ban (address)` and `showRoom (name)`. */
export class PeerDetails {
  #dialog = byId('peer-dialog')
  #actions
  #id
  /** What was last known of the peer, and when, in milliseconds. */
  #peer
  #at = 0
  #timer
  #request = new AbortController()
  #stream = new AbortController()
  #clockOffset = 0

  constructor (actions) {
    this.#actions = actions
    this.#dialog.addEventListener('close', () => { this.#stop() })
    byId('peer-send').onclick = () => { actions.send(this.#id) }
    byId('peer-disconnect').onclick = () => { actions.disconnect(this.#id) }
    byId('peer-ban').onclick = () => { actions.ban(this.#peer.address) }
    byId('peer-packets').onchange = () => { this.#followEvents() }
  }

  /** Sets the current time of the server. */
  setServerTime (time) {
    this.#clockOffset = Date.parse(time) - Date.now()
  }

  /** Opens the dialog with this peer. */
  open (id) {
    this.#stop()
    this.#id = id
    this.#peer = undefined
    setText(byId('peer-title'), `Peer ${id}`)
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
    showFacts(factsOf(peer, rates, Date.now() + this.#clockOffset), this.#actions)
    showData(peer.data)
    if (isFirst) showHandshake(peer.handshake)
  }

  #showGone () {
    setText(byId('peer-state'), 'left')
    byId('peer-state').dataset.state = 'unknown'
    for (const name of ['send', 'disconnect']) byId(`peer-${name}`).disabled = true
    if (this.#peer === undefined) showProblem(byId('peer-problem'), `There is no peer ${this.#id}; it may have left.`)
  }

  /** Shows the events of the peer, the kept ones first. */
  async #followEvents () {
    this.#stream.abort()
    const { signal } = this.#stream = new AbortController()
    const list = byId('peer-events')
    list.replaceChildren()
    showNone(list)
    const hasPackets = byId('peer-packets').checked
    const types = eventTypes.filter(type => type !== 'packet' || hasPackets).join(',')
    try {
      const parameters = { peer: this.#id, recent: RECENT_EVENTS, types, sample: 1 }
      for await (const { event } of client.events(parameters, '', signal)) {
        if (event.type === 'open') continue
        list.prepend(createEventLine(event))
        while (list.childElementCount > MAX_EVENTS) list.lastElementChild.remove()
        showNone(list)
      }
    } catch (error) {
      if (!signal.aborted) setText(byId('peer-events-none'), `No events: ${messageOf(error)}`)
    }
  }
}

function showNone (list) {
  const isEmpty = list.childElementCount === 0
  list.hidden = isEmpty
  byId('peer-events-none').hidden = !isEmpty
}

/** Packets and bytes per second between two states of a peer. */
function ratesOf (before, after, seconds) {
  const names = ['packetsIn', 'bytesIn', 'packetsOut', 'bytesOut']
  return Object.fromEntries(names.map(name => [name, Math.max(0, after[name] - before[name]) / seconds]))
}

/** Names and values, and for a value that leads somewhere the name of the action. */
function factsOf (peer, rates, now) {
  const traffic = way => {
    const [packets, bytes] = [`packets${way}`, `bytes${way}`]
    const total = `${formatPlural(peer[packets], 'packet')}, ${formatBytes(peer[bytes])}`
    return rates === undefined
      ? total
      : `${total} · ${formatRate(rates[packets])} packets/s, ${formatBytes(rates[bytes])}/s`
  }
  const connectedAt = new Date(peer.connectedAt)
  const seconds = Math.max(0, now - connectedAt.getTime()) / 1000
  return [
    ['Address', formatEndpoint(peer.address, peer.port)],
    ['Room', peer.room, 'showRoom'],
    ...(peer.node === undefined ? [] : [['Node', peer.node]]),
    ['Subprotocol', peer.protocol === '' ? 'none' : peer.protocol],
    ['Connected', `for ${formatDuration(seconds)}, since ${connectedAt.toLocaleString('en-GB')}`],
    ['Received', traffic('In')],
    ['Sent', traffic('Out')],
    ['Waiting to be sent', peer.bufferedAmount === 0 ? 'nothing' : formatBytes(peer.bufferedAmount)],
    ['Waiting to be read', peer.unreadPackets === 0 ? 'nothing' : `${formatCount(peer.unreadPackets)} packets`],
    ['Reading', peer.paused ? 'paused: a limit applies, or a queue is full' : 'as it arrives']
  ]
}

function showFacts (facts, actions) {
  const list = byId('peer-facts')
  // Values are updated in place, so that the focus and a selection of text stay.
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
    createElement('td', value === '***' ? { className: 'masked', title: 'May hold a secret: not kept' } : {}, value)))
  byId('peer-headers').replaceChildren(...rows)
}
