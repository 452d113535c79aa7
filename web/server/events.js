// The list of events, latest first. Events are added in batches, once per frame.
import { describeEvent } from '../client/event-text.js'
import { formatCount, formatTime } from '../client/format.js'
import { byId, createElement, setText } from '../base/dom.js'

const MAX_KEPT = 500
const MAX_SHOWN = 150

/** Shows events; `onPeer` is called with the id that is clicked. */
export class EventList {
  #list = byId('events')
  #onPeer
  #kept = []
  #waiting = []
  #isPaused = false

  constructor (onPeer) {
    this.#onPeer = onPeer
    byId('categories').addEventListener('change', () => { this.#renderAll() })
    byId('pause').onclick = () => { this.togglePause() }
  }

  /** The selected categories. */
  get categories () {
    return new Set([...byId('categories').querySelectorAll(':checked')].map(({ name }) => name))
  }

  /** Adds an event. */
  add (event) {
    if (this.#waiting.length === 0 && !this.#isPaused) requestAnimationFrame(() => { this.#renderWaiting() })
    this.#waiting.push(event)
    if (this.#waiting.length > MAX_KEPT) this.#waiting.shift()
    if (this.#isPaused) this.#showPaused()
  }

  /** Removes all events. */
  clear () {
    this.#kept = []
    this.#waiting = []
    this.#renderAll()
  }

  /** Pauses the list, or resumes it. */
  togglePause () {
    this.#isPaused = !this.#isPaused
    byId('pause').ariaPressed = String(this.#isPaused)
    if (!this.#isPaused) this.#renderWaiting()
    this.#showPaused()
  }

  #showPaused () {
    const isHolding = this.#isPaused && this.#waiting.length > 0
    setText(byId('pause'), isHolding ? `Pause · ${formatCount(this.#waiting.length)} new` : 'Pause')
  }

  #renderWaiting () {
    if (this.#isPaused) return
    const added = this.#waiting
    this.#waiting = []
    this.#kept = [...this.#kept, ...added].slice(-MAX_KEPT)
    this.#list.prepend(...this.#linesOf(added))
    while (this.#list.childElementCount > MAX_SHOWN) this.#list.lastElementChild.remove()
    this.#showPlaceholder()
  }

  #renderAll () {
    this.#list.replaceChildren(...this.#linesOf(this.#kept))
    this.#showPlaceholder()
  }

  #showPlaceholder () {
    const isEmpty = this.#list.childElementCount === 0
    this.#list.hidden = isEmpty
    byId('events-none').hidden = !isEmpty
  }

  /** Lines for the events of the selected categories, latest first. */
  #linesOf (events) {
    const { categories } = this
    return events.map(event => ({ event, description: describeEvent(event) }))
      .filter(({ description }) => categories.has(description.category))
      .slice(-MAX_SHOWN)
      .map(({ event, description }) => createLine(event, description, this.#onPeer))
      .reverse()
  }
}

/** A line for an event; ids of peers are plain text. */
export function createEventLine (event) {
  return createLine(event, describeEvent(event))
}

function createLine ({ type, at }, { severity, parts, count = 1 }, onPeer) {
  const text = createElement('span', {}, ...parts.flatMap((part, i) => [i === 0 ? '' : ' ', createPart(part, onPeer)]))
  if (count > 1) text.append(` ×${formatCount(count)}`)
  const line = createElement('li', {}, createElement('time', {}, formatTime(new Date(at))), text)
  Object.assign(line.dataset, { severity, type })
  return line
}

function createPart ({ kind, text }, onPeer) {
  if (kind === 'heading') return createElement('b', {}, text)
  if (kind === 'detail') return createElement('span', { className: 'detail' }, text)
  if (kind === 'text' || onPeer === undefined) return text
  return createElement('button', { type: 'button', onclick: () => { onPeer(text) } }, text)
}
