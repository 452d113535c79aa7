// A table that shows one page of a list, sorted and filtered by the server.
import { formatCount } from '../client/format.js'
import {
  byId, createElement, headingOf, keepFocus, messageOf, setText, showPartial, showProblem
} from './dom.js'
import { Rows } from './rows.js'
import { serverNow } from './server-clock.js'

const PAGE_SIZE = 50
/** Milliseconds without a key press until an incomplete filter is applied. */
const TYPING_DELAY = 400

/**
 * Shows a list. `ids` are those of the table, its filter, its pages, its problem, its note when some nodes of the
 * cluster did not respond, and its placeholder; `sort` and `order` are the initial ones, `ageSort` the key of a time
 * that is shown as an age; `load (query, filter, signal)` gets a page, `keyOf` and `createRow` are those of `Rows`;
 * `isComplete (filter)` returns whether the filter can be applied while the user is typing; `onShow (total)` is called
 * when a page is shown, `onFilter ()` when the filter changes; both are optional. `sole`, optional, is the name of the
 * field that is not combined with others.
 */
export class PagedTable {
  #list
  #headings
  #rows
  /** Buttons that lead to other pages, and which items this page has. */
  #first
  #previous
  #next
  #range
  #sort
  #order
  #filter = {}
  /** Cursors of all pages up to the one that is shown; the first has none. */
  #cursors = [undefined]
  #nextCursor = null
  #request = new AbortController()
  /** Number of items that match the filter; 0 until they are loaded. */
  #total = 0
  /** Whether the page is shown for the first time: its rows are not new. */
  #isFirstRender = true
  #hint = ''
  #typingTimer

  constructor (list) {
    const { ids, sort, order } = list
    this.#list = list
    this.#first = this.#createPageButton('First', () => { this.#goTo([undefined]) })
    this.#previous = this.#createPageButton('Previous', () => { this.#goTo(this.#cursors.slice(0, -1)) })
    this.#next = this.#createPageButton('Next', () => { this.#goTo([...this.#cursors, this.#nextCursor]) })
    this.#range = createElement('span', { id: `${ids.pages}-range`, className: 'muted', tabIndex: -1 })
    this.#rows = new Rows(byId(ids.table).tBodies[0], list)
    this.#headings = [...byId(ids.table).tHead.querySelectorAll('[data-sort]')]
    this.#sort = sort
    this.#order = order
    this.#showSort()
    for (const heading of this.#headings) {
      heading.querySelector('button').onclick = () => { this.#sortBy(heading.dataset) }
    }
    byId(ids.filter).oninput = ({ target }) => {
      this.#clearFields(({ name }) => (name === list.sole) !== (target.name === list.sole))
      this.#filterByFields()
    }
    byId(ids.filter).onsubmit = event => { event.preventDefault() }
    byId(ids.filter).onreset = () => { this.#filterBy({}) }
    byId(ids.pages).append(this.#first, this.#previous, this.#range, this.#next)
  }

  /** The key of the item whose row has the focus, as text. */
  get focusedKey () {
    const row = document.activeElement?.closest?.(`#${this.#list.ids.table} tbody tr`)
    return row?.dataset.id
  }

  /** The filter in effect: names and texts. */
  get filter () {
    return this.#filter
  }

  /** Number of items that match the filter; 0 until they are loaded. */
  get total () {
    return this.#total
  }

  /** Sets the hint that is shown when the list is empty. */
  setHint (text) {
    this.#hint = text
  }

  /** Filters by one value of the filter alone. */
  filterBy (name, value) {
    this.#clearFields(() => true)
    byId(this.#list.ids.filter).elements[name].value = value
    this.#filterByFields()
  }

  /** Removes the filter and all items, which are those of another server, and loads the first page. */
  reset () {
    this.#rows.show([], serverNow(), false)
    setText(this.#range, '')
    byId(this.#list.ids.filter).reset()
  }

  /** Loads the page again and shows it. */
  async refresh () {
    this.#request.abort()
    const request = this.#request = new AbortController()
    const problem = byId(this.#list.ids.problem)
    try {
      const query = { limit: PAGE_SIZE, cursor: this.#cursors.at(-1), sort: this.#sort, order: this.#order }
      const { items, nextCursor, meta, ...rest } = await this.#list.load(query, this.#filter, request.signal)
      this.#nextCursor = nextCursor
      this.#total = meta.count
      // All items of the last page are gone.
      if (items.length === 0 && this.#cursors.length > 1) return await this.#goTo(this.#cursors.slice(0, -1))
      this.#render(items)
      this.#list.onShow?.(meta.count)
      showPartial(byId(this.#list.ids.partial), rest)
      showProblem(problem)
    } catch (error) {
      if (request.signal.aborted) return
      // The server may have been restarted: cursors are valid in one process only.
      if (error.status === 400 && this.#cursors.length > 1) return await this.#goTo([undefined])
      showProblem(problem, messageOf(error))
    }
  }

  #createPageButton (name, onclick) {
    const id = `${this.#list.ids.pages}-${name.toLowerCase()}`
    return createElement('button', { type: 'button', className: 'plain', id, disabled: true, onclick }, name)
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
      // Ages ascend when the times descend.
      const isAscending = (this.#order === 'asc') === (this.#sort !== this.#list.ageSort)
      if (heading.dataset.sort !== this.#sort) heading.removeAttribute('aria-sort')
      else heading.ariaSort = isAscending ? 'ascending' : 'descending'
    }
  }

  /** The fields of the filter; its button to clear them is one of its elements, too. */
  get #fields () {
    return [...byId(this.#list.ids.filter).elements].filter(({ name }) => name !== '')
  }

  #clearFields (isCleared) {
    for (const field of this.#fields.filter(isCleared)) field.value = ''
  }

  /** Not by FormData, which omits disabled fields: buttons elsewhere fill them in even while they are disabled. */
  #filterByFields () {
    this.#filterBy(Object.fromEntries(this.#fields.map(({ name, value }) => [name, value])))
  }

  #filterBy (fields) {
    const entries = Object.entries(fields).map(([name, text]) => [name, text.trim()])
    const filter = Object.fromEntries(entries.filter(([, text]) => text !== ''))
    const apply = () => {
      this.#filter = filter
      this.#total = 0
      this.#list.onFilter?.()
      const clear = byId(`${this.#list.ids.filter}-clear`)
      keepFocus(headingOf(byId(this.#list.ids.table)), () => { clear.disabled = !this.isFiltered })
      this.#goTo([undefined])
    }
    clearTimeout(this.#typingTimer)
    if (this.#list.isComplete(filter)) apply()
    else this.#typingTimer = setTimeout(apply, TYPING_DELAY)
  }

  /** Whether a filter is in effect. */
  get isFiltered () {
    return Object.keys(this.#filter).length > 0
  }

  /** Goes to the page that begins at the last of these cursors. */
  async #goTo (cursors) {
    this.#cursors = cursors
    this.#isFirstRender = true
    await this.refresh()
  }

  #render (items) {
    this.#rows.show(items, serverNow(), !this.#isFirstRender)
    this.#isFirstRender = false
    this.#showPages(items.length)
  }

  #showPages (shown) {
    const { ids, noneText } = this.#list
    const page = this.#cursors.length
    keepFocus(this.#range, () => {
      this.#first.disabled = this.#previous.disabled = page === 1
      this.#next.disabled = this.#nextCursor === null
      const isOnlyPage = page === 1 && this.#nextCursor === null
      for (const button of [this.#first, this.#previous, this.#next]) button.hidden = isOnlyPage
    })
    // Pages begin at an item, not at a position: the items before it may have become fewer or more.
    const last = this.#nextCursor === null ? this.#total : Math.min((page - 1) * PAGE_SIZE + shown, this.#total)
    const range = `${formatCount(last - shown + 1)} – ${formatCount(last)} of ${formatCount(this.#total)}`
    setText(this.#range, shown === 0 ? '' : range)
    byId(ids.none).hidden = shown > 0
    setText(byId(ids.none), noneText(this.isFiltered, this.#hint))
  }
}

/** Creates a cell of a row. */
export function createCell (className, ...children) {
  return createElement('td', { className }, ...children)
}

/** Creates a button of a row; the tab key reaches it when the row has the focus. */
export function createButton (className, text, ariaLabel, onclick) {
  const properties = { type: 'button', className: `plain ${className}`, tabIndex: -1, ariaLabel, onclick }
  return createElement('button', properties, text)
}
