// Which peers are selected in the table, and the bar that acts on all of them.
import { formatCount, formatPlural } from '../client/format.js'
import { byId, keepFocus, setText } from './dom.js'

/** The selected peers: a set of ids, or all that match the filter of the table except a set of ids. */
export class Selection {
  #ids = new Set()
  /** The filter that all selected peers match; undefined: they are selected by id. */
  #filter
  #excluded = new Set()
  /** Number of peers that match the filter of the table. */
  #total = 0
  /** Whether peers that are selected by id may have left. */
  #isUncertain = false
  #onChange = () => {}

  /** Calls `callback (isByUser)` whenever the selection changes: by the user, or because peers come and go. */
  onChange (callback) {
    this.#onChange = callback
  }

  /** How many peers are selected. */
  get count () {
    return this.#filter === undefined ? this.#ids.size : Math.max(0, this.#total - this.#excluded.size)
  }

  /** `3 peers`, `up to 3 peers`. */
  get countText () {
    return `${this.#isUncertain ? 'up to ' : ''}${formatPlural(this.count, 'peer')}`
  }

  /** The selected peers in words: `3 peers`, `up to 3 peers`, `all 12 peers`, `all 3 peers that match`. */
  get text () {
    if (this.#filter === undefined) return this.countText
    return Object.keys(this.#filter).length === 0 ? `all ${this.countText}` : `all ${this.countText} that match`
  }

  has (id) {
    return this.#filter === undefined ? this.#ids.has(id) : !this.#excluded.has(id)
  }

  /** Selects or deselects these peers. */
  set (ids, isSelected) {
    const isById = this.#filter === undefined
    const listed = isById ? this.#ids : this.#excluded
    for (const id of ids) {
      if (isSelected === isById) listed.add(id)
      else listed.delete(id)
    }
    this.#changed(true)
  }

  /** Forgets a peer that has left. */
  drop (id) {
    if (this.#ids.delete(id) || this.#excluded.delete(id)) this.#changed(false)
  }

  /** Peers have left whose ids are not known. */
  someHaveLeft () {
    this.#isUncertain = true
    this.#changed(false)
  }

  /** Selects all peers that match the filter. */
  selectAll (filter) {
    this.clear()
    this.#filter = filter
    this.#changed(true)
  }

  clear () {
    this.#ids.clear()
    this.#excluded.clear()
    this.#filter = undefined
    this.#changed(true)
  }

  /** Sets how many peers match the filter of the table. */
  setTotal (total) {
    this.#total = total
    this.#changed(false)
  }

  #changed (isByUser) {
    if (this.#ids.size === 0) this.#isUncertain = false
    this.#onChange(isByUser)
  }

  /** Whether the selection is by filter instead of by id. */
  get isOfFilter () {
    return this.#filter !== undefined
  }

  /**
   * The selection as it is now, for a question to the user and what is done after it: the selected peers in words, and
   * as part of a request body. `deselect (ids)` deselects these of them, or all, but nothing that was selected since.
   */
  snapshot () {
    const { count, countText, text } = this
    const [filter, body] = [this.#filter, this.#body]
    const deselect = (ids = body.ids) => {
      if (filter === undefined) this.#deselect(ids)
      else if (filter === this.#filter) this.clear()
    }
    return { count, countText, text, body, deselect }
  }

  get #body () {
    if (this.#filter === undefined) return { ids: [...this.#ids] }
    const { id, ...filter } = this.#filter
    if (id !== undefined) return { ids: [Number(id)] }
    const excluded = this.#excluded.size === 0 ? {} : { excluded: [...this.#excluded] }
    return Object.keys(filter).length === 0 ? { all: true, ...excluded } : { filter, ...excluded }
  }

  #deselect (ids) {
    for (const id of ids) this.#ids.delete(id)
    this.#changed(true)
  }
}

/** Shows the selection in the table of peers and below it; `actions` are `send`, `disconnect` and `ban`. */
export function showSelection (selection, table, actions) {
  const boxes = () => [...byId('peers').tBodies[0].querySelectorAll('.select input')]
  const idOf = box => Number(box.closest('tr').dataset.id)
  byId('peers').tBodies[0].addEventListener('change', ({ target }) => {
    if (target.matches('.select input')) selection.set([idOf(target)], target.checked)
  })
  byId('select-page').onchange = ({ target }) => { selection.set(boxes().map(idOf), target.checked) }
  byId('select-all').onclick = () => { keepFocus(byId('select-none'), () => { selection.selectAll(table.filter) }) }
  byId('select-none').onclick = () => { keepFocus(byId('select-page'), () => { selection.clear() }) }
  for (const [name, action] of Object.entries(actions)) byId(`selected-${name}`).onclick = action
  selection.onChange(isByUser => {
    for (const box of boxes()) box.checked = selection.has(idOf(box))
    showPageBox(boxes())
    byId('selection').hidden = selection.count === 0 && !selection.isOfFilter
    // The number of all peers that match may change every second.
    byId('selection-count').ariaLive = isByUser ? 'polite' : 'off'
    setText(byId('selection-count'), `${capitalize(selection.text)} selected`)
    byId('select-all').hidden = selection.isOfFilter || table.total <= selection.count
    setText(byId('select-all'), `Select all ${formatCount(table.total)}${table.isFiltered ? ' that match' : ''}`)
  })
}

function showPageBox (boxes) {
  const checked = boxes.filter(box => box.checked).length
  byId('select-page').checked = checked > 0 && checked === boxes.length
  byId('select-page').indeterminate = checked > 0 && checked < boxes.length
  byId('select-page').disabled = boxes.length === 0
}

function capitalize (text) {
  return text[0].toUpperCase() + text.slice(1)
}
