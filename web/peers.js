// The table of peers: a page of them, sorted and filtered by the server.
import { ask } from './api.js'
import { byId, make, setText, showProblem } from './dom.js'
import { brief, bytes, count, duration } from './format.js'

const PAGE = 50
const FULL = 32 * 1024
/** Milliseconds that an address may take until the next key: a half one would only be a mistake. */
const TYPING = 400
const isWhole = address => /^((\d{1,3}\.){3}\d{1,3}(\/\d{1,2})?)?$/.test(address)

/** Shows the peers; `actions` are what can be done with one: `disconnect (id)` and `send (id)`. */
export class PeerTable {
  #actions
  #body = byId('peers').tBodies[0]
  #rows = new Map()
  #sort = 'connectedAt'
  #order = 'desc'
  #filter = {}
  /** Where each page up to this one begins. */
  #cursors = ['']
  #nextCursor = null
  #abort = new AbortController()
  #isFirst = true
  /** Milliseconds that the clock of the server is ahead. */
  #ahead = 0
  #hint = ''
  #typing

  constructor (actions) {
    this.#actions = actions
    this.#showSort()
    for (const heading of byId('peers').tHead.querySelectorAll('[data-sort]')) heading.querySelector('button').onclick = () => { this.#sortBy(heading.dataset) }
    byId('filter').oninput = () => { this.#filterBy(Object.fromEntries(new FormData(byId('filter')))) }
    byId('filter').onsubmit = event => { event.preventDefault() }
    byId('filter').onreset = () => { this.#filterBy({}) }
    byId('page-first').onclick = () => { this.#turn(['']) }
    byId('page-before').onclick = () => { this.#turn(this.#cursors.slice(0, -1)) }
    byId('page-next').onclick = () => { this.#turn([...this.#cursors, this.#nextCursor]) }
    this.#body.onkeydown = event => { this.#walk(event) }
    this.#body.addEventListener('focusin', ({ target }) => { this.#choose(target.closest('tr')) })
  }

  /** The id of the peer that has the focus. */
  get focused () {
    const row = document.activeElement?.closest?.('#peers tbody tr')
    return row === null || row === undefined ? undefined : Number(row.dataset.id)
  }

  /** It is this time at the server. */
  setClock (at) {
    this.#ahead = Date.parse(at) - Date.now()
  }

  /** What else to say where there is nobody. */
  setHint (text) {
    this.#hint = text
  }

  /** Goes back to the first page of all peers. */
  clear () {
    byId('filter').reset()
  }

  /** Asks for the page anew, and shows it. */
  async refresh () {
    this.#abort.abort()
    const abort = this.#abort = new AbortController()
    try {
      const { items, nextCursor } = await this.#load(abort.signal)
      this.#nextCursor = nextCursor
      this.#show(items)
      showProblem(byId('peers-problem'))
    } catch (error) {
      if (abort.signal.aborted) return
      if (error.status === 401) throw error
      showProblem(byId('peers-problem'), error.message)
    }
  }

  async #load (signal) {
    const { id = '', address, protocol } = this.#filter
    const query = { limit: PAGE, cursor: this.#cursors.at(-1), sort: this.#sort, order: this.#order, address, protocol }
    if (id === '') return await ask('GET', 'peers', { query, signal })
    try {
      return { items: [await ask('GET', `peers/${encodeURIComponent(id)}`, { signal })], nextCursor: null }
    } catch (error) {
      if (error.status !== 404) throw error
      return { items: [], nextCursor: null }
    }
  }

  #sortBy ({ sort, first = 'asc' }) {
    this.#order = sort !== this.#sort ? first : this.#order === 'asc' ? 'desc' : 'asc'
    this.#sort = sort
    this.#showSort()
    this.#turn([''])
  }

  #showSort () {
    for (const heading of byId('peers').tHead.querySelectorAll('[data-sort]')) {
      if (heading.dataset.sort !== this.#sort) heading.removeAttribute('aria-sort')
      // The youngest come first when the time they connected goes down: as ages that is upwards.
      else heading.ariaSort = (this.#order === 'asc') === (this.#sort !== 'connectedAt') ? 'ascending' : 'descending'
    }
  }

  #filterBy ({ address = '', protocol = '', id = '' }) {
    const filter = { address: address.trim(), protocol: protocol.trim(), id: id.trim() }
    const apply = () => {
      this.#filter = filter
      byId('filter-clear').disabled = !this.#isFiltered
      this.#turn([''])
    }
    clearTimeout(this.#typing)
    if (isWhole(filter.address)) apply()
    else this.#typing = setTimeout(apply, TYPING)
  }

  get #isFiltered () {
    return Object.values(this.#filter).some(text => text !== '')
  }

  #turn (cursors) {
    this.#cursors = cursors
    this.#isFirst = true
    this.refresh()
  }

  #show (peers) {
    const now = Date.now() + this.#ahead
    const gone = new Set(this.#rows.keys())
    const { activeElement } = document
    for (const [i, peer] of peers.entries()) {
      gone.delete(peer.id)
      const row = this.#rows.get(peer.id) ?? this.#addRow(peer)
      row.update(peer, now)
      if (this.#body.children[i] !== row.element) this.#body.insertBefore(row.element, this.#body.children[i] ?? null)
    }
    // A row that is moved loses the focus.
    if (this.#body.contains(activeElement)) activeElement.focus({ preventScroll: true })
    for (const id of gone) this.#removeRow(id)
    this.#isFirst = false
    this.#showPages(peers.length)
    this.#keepReachable()
  }

  #addRow (peer) {
    const row = makeRow(peer, this.#actions)
    if (!this.#isFirst) row.element.classList.add('fresh')
    this.#rows.set(peer.id, row)
    return row
  }

  #removeRow (id) {
    const { element } = this.#rows.get(id)
    const hadFocus = element.contains(document.activeElement)
    const next = element.nextElementSibling ?? element.previousElementSibling
    element.remove()
    this.#rows.delete(id)
    if (hadFocus) next?.focus()
  }

  /** Exactly one row can be reached by the tabulator, with its buttons; from there on it is arrows. */
  #keepReachable () {
    const rows = [...this.#body.children]
    if (rows.length > 0 && !rows.some(row => row.tabIndex === 0)) this.#choose(rows[0])
  }

  #choose (chosen) {
    for (const row of this.#body.children) {
      const tabIndex = row === chosen ? 0 : -1
      if (row.tabIndex !== tabIndex) for (const element of [row, ...row.querySelectorAll('button')]) element.tabIndex = tabIndex
    }
  }

  #showPages (shown) {
    const page = this.#cursors.length
    byId('page-first').disabled = byId('page-before').disabled = page === 1
    byId('page-next').disabled = this.#nextCursor === null
    for (const end of ['first', 'before', 'next']) byId(`page-${end}`).hidden = page === 1 && this.#nextCursor === null
    const first = (page - 1) * PAGE + 1
    setText(byId('page'), shown === 0 ? '' : `${count(first)} – ${count(first + shown - 1)}`)
    byId('peers-none').hidden = shown > 0
    setText(byId('peers-none'), this.#isFiltered ? 'Nobody like this is here.' : `Nobody is here. ${this.#hint}`)
  }

  #walk (event) {
    const row = event.target.closest('tr')
    const next = { ArrowDown: row?.nextElementSibling, ArrowUp: row?.previousElementSibling, Home: this.#body.firstElementChild, End: this.#body.lastElementChild }[event.key]
    if (next === undefined || next === null) return
    event.preventDefault()
    next.focus()
  }
}

/** A row for a peer, and what brings it up to date. */
function makeRow (peer, actions) {
  const cell = (className = '') => make('td', { className })
  const [id, address, protocol, age, traffic, sent, buffer] =
    [cell('id'), cell('address'), cell('protocol'), cell('number age'), cell('number in'), cell('number out'), cell('number buffer')]
  const [port, packetsIn, packetsOut] = [make('span', { className: 'sub' }), make('span', { className: 'sub packets' }), make('span', { className: 'sub packets' })]
  const [host, bytesIn, bytesOut] = [make('span', { className: 'host', title: peer.address }), make('span'), make('span')]
  address.append(host, port)
  traffic.append(bytesIn, ' ', packetsIn)
  sent.append(bytesOut, ' ', packetsOut)
  const send = make('button', { type: 'button', className: 'plain open', tabIndex: -1, onclick: () => { actions.send(peer.id) } }, 'Send')
  const kick = make('button', { type: 'button', className: 'plain kick', tabIndex: -1, onclick: () => { actions.disconnect(peer.id) } }, 'Disconnect')
  send.ariaLabel = `Send a packet to ${peer.id}`
  kick.ariaLabel = `Disconnect ${peer.id}`
  const element = make('tr', { tabIndex: -1 }, id, address, protocol, age, traffic, sent, buffer, make('td', { className: 'do' }, send, kick))
  element.dataset.id = peer.id
  setText(id, String(peer.id))
  setText(host, peer.address)
  setText(port, `:${peer.port}`)
  setText(protocol, peer.protocol)
  protocol.title = peer.protocol
  return {
    element,
    update: ({ state, connectedAt, packetsIn: inward, packetsOut: outward, bytesIn: read, bytesOut: written, bufferedAmount }, now) => {
      element.dataset.state = state
      setText(age, duration((now - Date.parse(connectedAt)) / 1000))
      setText(bytesIn, bytes(read))
      setText(packetsIn, brief(inward))
      setText(bytesOut, bytes(written))
      setText(packetsOut, brief(outward))
      setText(buffer, bufferedAmount === 0 ? '–' : bytes(bufferedAmount))
      buffer.classList.toggle('empty', bufferedAmount === 0)
      buffer.classList.toggle('full', bufferedAmount > FULL)
    }
  }
}
