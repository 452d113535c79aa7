// The list of events, newest first. Events are added in batches, once per frame.
import { describeEvent } from '../client/event-text.js'
import { formatCount } from '../client/format.js'
import { byId, clearLines, createElement, createTime, prependLines, setText } from '../base/dom.js'

/** Maximum numbers of events that are kept, packets apart, as they would displace all others. */
const MAX_KEPT = 500
const MAX_KEPT_PACKETS = 150
const MAX_SHOWN = 150
/** Milliseconds from one look at the calendar to the next: lines of the day before need a date. */
const DAY_INTERVAL = 60_000

/** Shows events; clicking the id of a peer calls `onPeer` with it. */
export class EventList {
  #list = byId('events')
  #onPeer
  #kept = []
  #waiting = []
  #isPaused = false
  #day = new Date().toDateString()

  constructor (onPeer) {
    this.#onPeer = onPeer
    setInterval(() => { this.#checkDay() }, DAY_INTERVAL)
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
    this.#waiting = latestOf([...this.#waiting, event])
    if (this.#isPaused) this.#showPaused()
  }

  /** Removes all events. */
  clear () {
    this.#kept = []
    this.#waiting = []
    this.#renderAll()
    this.#showPaused()
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
    setText(byId('waiting'), isHolding ? `${formatCount(this.#waiting.length)} new` : '')
  }

  #renderWaiting () {
    if (this.#isPaused) return
    const added = this.#waiting
    this.#waiting = []
    this.#kept = latestOf([...this.#kept, ...added])
    this.#show(added)
  }

  #checkDay () {
    const day = new Date().toDateString()
    if (day === this.#day) return
    this.#day = day
    this.#renderAll()
  }

  #renderAll () {
    clearLines(this.#list, byId('events-none'))
    this.#show(this.#kept)
  }

  #show (events) {
    prependLines(this.#list, byId('events-none'), MAX_SHOWN, ...this.#linesOf(events))
  }

  /** Lines for the events of the selected categories, newest first. */
  #linesOf (events) {
    const { categories } = this
    return events.map(event => ({ event, description: describeEvent(event) }))
      .filter(({ description }) => categories.has(description.category))
      .slice(-MAX_SHOWN)
      .map(({ event, description }) => createLine(event, description, this.#onPeer))
      .reverse()
  }
}

/** The events of which no newer ones take the place. */
function latestOf (events) {
  let [others, packets] = [MAX_KEPT, MAX_KEPT_PACKETS]
  return events.toReversed().filter(({ type }) => type === 'packet' ? packets-- > 0 : others-- > 0).reverse()
}

/** A line for an event; ids of peers are plain text. */
export function createEventLine (event) {
  return createLine(event, describeEvent(event))
}

function createLine ({ type, at }, { severity, parts, count = 1 }, onPeer) {
  const text = createElement('span', {}, ...parts.flatMap((part, i) => [i === 0 ? '' : ' ', createPart(part, onPeer)]))
  if (count > 1) text.append(` ×${formatCount(count)}`)
  const line = createElement('li', {}, createTime(new Date(at)), text)
  Object.assign(line.dataset, { severity, type })
  return line
}

function createPart ({ kind, text }, onPeer) {
  if (kind === 'heading') return createElement('b', {}, text)
  if (kind === 'detail') return createElement('span', { className: 'detail' }, text)
  if (kind === 'text' || onPeer === undefined) return text
  return createElement('button', { type: 'button', onclick: () => { onPeer(text) } }, text)
}
