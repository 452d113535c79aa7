// The rows of a table, one for each item of a list.
import { headingOf } from './dom.js'

/**
 * Keeps the rows of a table body: those of items that stay are updated, not replaced. `keyOf (item)` identifies an
 * item, `createRow (item)` creates a row with `element` and `update (item, now)`. The Tab key reaches one row with its
 * buttons and its checkbox, arrow keys the others.
 */
export class Rows {
  #body
  #keyOf
  #createRow
  #rows = new Map()

  constructor (body, { keyOf, createRow }) {
    this.#body = body
    this.#keyOf = keyOf
    this.#createRow = createRow
    body.onkeydown = event => { this.#moveFocus(event) }
    body.addEventListener('focusin', ({ target }) => { this.#setTabStop(target.closest('tr')) })
  }

  /** Shows these items; `now` is the time of the server, `areNew`: whether rows that are added are highlighted. */
  show (items, now, areNew) {
    // First, as each row below one that is gone would be moved.
    this.#removeExcept(new Set(items.map(this.#keyOf)))
    const { activeElement } = document
    for (const [i, item] of items.entries()) {
      const key = this.#keyOf(item)
      const row = this.#rows.get(key) ?? this.#add(key, item, areNew)
      row.update(item, now)
      if (this.#body.children[i] !== row.element) this.#body.insertBefore(row.element, this.#body.children[i] ?? null)
    }
    // A row that is moved loses the focus.
    if (this.#body.contains(activeElement)) activeElement.focus({ preventScroll: true })
    this.#ensureTabStop()
  }

  #add (key, item, isNew) {
    const row = this.#createRow(item)
    row.element.dataset.id = key
    if (isNew) row.element.classList.add('new')
    // The animation of a row that is moved would start again.
    row.element.onanimationend = () => { row.element.classList.remove('new') }
    this.#rows.set(key, row)
    return row
  }

  /** Removes all other rows; the focus goes from one of them to a neighbour, or to the heading of the list. */
  #removeExcept (keys) {
    for (const [key, { element }] of this.#rows) {
      if (keys.has(key)) continue
      const hadFocus = element.contains(document.activeElement)
      const neighbour = element.nextElementSibling ?? element.previousElementSibling
      element.remove()
      this.#rows.delete(key)
      if (hadFocus) (neighbour ?? headingOf(this.#body)).focus()
    }
  }

  /** Roving tabindex. */
  #ensureTabStop () {
    const rows = [...this.#body.children]
    if (rows.length > 0 && !rows.some(row => row.tabIndex === 0)) this.#setTabStop(rows[0])
  }

  #setTabStop (tabStop) {
    for (const row of this.#body.children) {
      const tabIndex = row === tabStop ? 0 : -1
      if (row.tabIndex === tabIndex) continue
      for (const element of [row, ...row.querySelectorAll('button, input')]) element.tabIndex = tabIndex
    }
  }

  #moveFocus (event) {
    const row = event.target.closest('tr')
    if (event.key === 'Enter' && event.target === row) return row.querySelector('.show')?.click()
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
