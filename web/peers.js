// The table of peers: one page of them, sorted and filtered by the server.
import { client } from './api.js'
import { formatBytes, formatCompact, formatCount, formatDuration } from './client/format.js'
import { byId, createElement, messageOf, setText, showProblem } from './dom.js'

const PAGE_SIZE = 50
/** Buffered bytes from which the buffer of a peer is highlighted. */
const HIGH_BUFFER = 32 * 1024
/** Milliseconds without a key press until an incomplete address is applied as a filter. */
const TYPING_DELAY = 400
const isComplete = address => /^((\d{1,3}\.){3}\d{1,3}(\/\d{1,2})?)?$/.test(address)

/** Shows peers; `actions` are `disconnect (id)` and `send (id)`. */
export class PeerTable {
  #actions
  #body = byId('peers').tBodies[0]
  #headings = [...byId('peers').tHead.querySelectorAll('[data-sort]')]
  #rows = new Map()
  #sort = 'connectedAt'
  #order = 'desc'
  #filter = {}
  /** Cursors of all pages up to the one that is shown; the first has none. */
  #cursors = [undefined]
  #nextCursor = null
  #request = new AbortController()
  /** Whether the page is shown for the first time: its rows are not new peers. */
  #isFirstRender = true
  /** Milliseconds that the clock of the server is ahead of the browser's. */
  #clockOffset = 0
  #hint = ''
  #typingTimer

  constructor (actions) {
    this.#actions = actions
    this.#showSort()
    for (const heading of this.#headings) {
      heading.querySelector('button').onclick = () => { this.#sortBy(heading.dataset) }
    }
    byId('filter').oninput = () => { this.#filterBy(Object.fromEntries(new FormData(byId('filter')))) }
    byId('filter').onsubmit = event => { event.preventDefault() }
    byId('filter').onreset = () => { this.#filterBy({}) }
    byId('page-first').onclick = () => { this.#goTo([undefined]) }
    byId('page-previous').onclick = () => { this.#goTo(this.#cursors.slice(0, -1)) }
    byId('page-next').onclick = () => { this.#goTo([...this.#cursors, this.#nextCursor]) }
    this.#body.onkeydown = event => { this.#moveFocus(event) }
    this.#body.addEventListener('focusin', ({ target }) => { this.#setTabStop(target.closest('tr')) })
  }

  /** The id of the peer whose row has the focus. */
  get focusedId () {
    const row = document.activeElement?.closest?.('#peers tbody tr')
    return row === null || row === undefined ? undefined : Number(row.dataset.id)
  }

  /** Sets the current time of the server. */
  setServerTime (time) {
    this.#clockOffset = Date.parse(time) - Date.now()
  }

  /** Sets the hint that is shown when no peers are connected. */
  setHint (text) {
    this.#hint = text
  }

  /** Removes the filter and goes to the first page. */
  reset () {
    byId('filter').reset()
  }

  /** Loads the page again and shows it. */
  async refresh () {
    this.#request.abort()
    const request = this.#request = new AbortController()
    try {
      const { items, nextCursor } = await this.#load(request.signal)
      this.#nextCursor = nextCursor
      this.#render(items)
      showProblem(byId('peers-problem'))
    } catch (error) {
      if (request.signal.aborted) return
      if (error.status === 401) throw error
      showProblem(byId('peers-problem'), messageOf(error))
    }
  }

  async #load (signal) {
    const { id, address, protocol } = this.#filter
    if (id !== undefined) return await this.#loadPeer(id, signal)
    const cursor = this.#cursors.at(-1)
    const query = { limit: PAGE_SIZE, cursor, sort: this.#sort, order: this.#order, address, protocol }
    return await client.call('peers', query, undefined, { signal })
  }

  async #loadPeer (id, signal) {
    try {
      return { items: [await client.call('getPeer', { id }, undefined, { signal })], nextCursor: null }
    } catch (error) {
      if (error.status !== 404) throw error
      return { items: [], nextCursor: null }
    }
  }

  #sortBy ({ sort, first = 'asc' }) {
    if (sort !== this.#sort) this.#order = first
    else this.#order = this.#order === 'asc' ? 'desc' : 'asc'
    this.#sort = sort
    this.#showSort()
    this.#goTo([undefined])
  }

  #showSort () {
    for (const heading of this.#headings) {
      // Ages ascend when the times of connection descend.
      const isAscending = (this.#order === 'asc') === (this.#sort !== 'connectedAt')
      if (heading.dataset.sort !== this.#sort) heading.removeAttribute('aria-sort')
      else heading.ariaSort = isAscending ? 'ascending' : 'descending'
    }
  }

  #filterBy (fields) {
    const entries = Object.entries(fields).map(([name, text]) => [name, text.trim()])
    const filter = Object.fromEntries(entries.filter(([, text]) => text !== ''))
    const apply = () => {
      this.#filter = filter
      byId('filter-clear').disabled = !this.#isFiltered
      this.#goTo([undefined])
    }
    clearTimeout(this.#typingTimer)
    if (isComplete(filter.address ?? '')) apply()
    else this.#typingTimer = setTimeout(apply, TYPING_DELAY)
  }

  get #isFiltered () {
    return Object.keys(this.#filter).length > 0
  }

  /** Goes to the page that begins at the last of these cursors. */
  #goTo (cursors) {
    this.#cursors = cursors
    this.#isFirstRender = true
    this.refresh()
  }

  #render (peers) {
    const now = Date.now() + this.#clockOffset
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
    this.#isFirstRender = false
    this.#showPages(peers.length)
    this.#ensureTabStop()
  }

  #addRow (peer) {
    const row = createRow(peer, this.#actions)
    if (!this.#isFirstRender) row.element.classList.add('new')
    this.#rows.set(peer.id, row)
    return row
  }

  #removeRow (id) {
    const { element } = this.#rows.get(id)
    const hadFocus = element.contains(document.activeElement)
    const neighbour = element.nextElementSibling ?? element.previousElementSibling
    element.remove()
    this.#rows.delete(id)
    if (hadFocus) neighbour?.focus()
  }

  /** Roving tabindex: the Tab key reaches exactly one row with its buttons, arrow keys the others. */
  #ensureTabStop () {
    const rows = [...this.#body.children]
    if (rows.length > 0 && !rows.some(row => row.tabIndex === 0)) this.#setTabStop(rows[0])
  }

  #setTabStop (tabStop) {
    for (const row of this.#body.children) {
      const tabIndex = row === tabStop ? 0 : -1
      if (row.tabIndex === tabIndex) continue
      for (const element of [row, ...row.querySelectorAll('button')]) element.tabIndex = tabIndex
    }
  }

  #showPages (shown) {
    const page = this.#cursors.length
    byId('page-first').disabled = byId('page-previous').disabled = page === 1
    byId('page-next').disabled = this.#nextCursor === null
    const isOnlyPage = page === 1 && this.#nextCursor === null
    for (const name of ['first', 'previous', 'next']) byId(`page-${name}`).hidden = isOnlyPage
    const first = (page - 1) * PAGE_SIZE + 1
    setText(byId('page'), shown === 0 ? '' : `${formatCount(first)} – ${formatCount(first + shown - 1)}`)
    byId('peers-none').hidden = shown > 0
    setText(byId('peers-none'), this.#isFiltered ? 'No peers match this filter.' : `No peers connected. ${this.#hint}`)
  }

  #moveFocus (event) {
    const row = event.target.closest('tr')
    const target = {
      ArrowDown: row?.nextElementSibling,
      ArrowUp: row?.previousElementSibling,
      Home: this.#body.firstElementChild,
      End: this.#body.lastElementChild
    }[event.key]
    if (target === undefined || target === null) return
    event.preventDefault()
    target.focus()
  }
}

/** Creates the row of a peer: its element, and a function that updates it. */
function createRow ({ id, address, port, protocol }, actions) {
  const cell = (className, ...children) => createElement('td', { className }, ...children)
  const span = (className, text = '') => createElement('span', { className }, text)
  const [age, buffer] = [cell('number age'), cell('number buffer')]
  const [bytesIn, packetsIn] = [span(''), span('sub packets')]
  const [bytesOut, packetsOut] = [span(''), span('sub packets')]
  const host = Object.assign(span('host', address), { title: address })
  const element = createElement('tr', { tabIndex: -1 },
    cell('id', String(id)),
    cell('address', host, span('sub', `:${port}`)),
    Object.assign(cell('protocol', protocol), { title: protocol }),
    age,
    cell('number in', bytesIn, ' ', packetsIn),
    cell('number out', bytesOut, ' ', packetsOut),
    buffer,
    cell('row-actions',
      createButton('send', 'Send', `Send a packet to ${id}`, () => { actions.send(id) }),
      createButton('disconnect', 'Disconnect', `Disconnect ${id}`, () => { actions.disconnect(id) })))
  element.dataset.id = id
  const update = (peer, now) => {
    element.dataset.state = peer.state
    setText(age, formatDuration((now - Date.parse(peer.connectedAt)) / 1000))
    setText(bytesIn, formatBytes(peer.bytesIn))
    setText(packetsIn, formatCompact(peer.packetsIn))
    setText(bytesOut, formatBytes(peer.bytesOut))
    setText(packetsOut, formatCompact(peer.packetsOut))
    setText(buffer, peer.bufferedAmount === 0 ? '–' : formatBytes(peer.bufferedAmount))
    buffer.classList.toggle('empty', peer.bufferedAmount === 0)
    buffer.classList.toggle('full', peer.bufferedAmount > HIGH_BUFFER)
  }
  return { element, update }
}

function createButton (className, text, ariaLabel, onclick) {
  const properties = { type: 'button', className: `plain ${className}`, tabIndex: -1, ariaLabel, onclick }
  return createElement('button', properties, text)
}
