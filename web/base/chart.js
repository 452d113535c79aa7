// A line chart of the last ten minutes. The pointer or the arrow keys select a point in time, whose values are shown.
import { formatTime } from '../client/format.js'
import { createElement } from './dom.js'

/** Milliseconds from the left edge to the latest point. */
const SPAN = 600_000
/** Milliseconds between two points above which the line is interrupted. */
const GAP = 5000
const PADDING_TOP = 2
/** Minimum value at the top of the scale. */
const MIN_TOP = 10
/** Minimum value that is shown as a number, in the unit of the scale: about one of the unit below it. */
const MIN_VALUE = 0.001
/** Height of the time labels; a chart lower than MIN_HEIGHT has none. */
const LABEL_HEIGHT = 16
const MIN_HEIGHT = 70

/** By how many points a key moves the selection. */
const steps = { ArrowLeft: -1, ArrowRight: 1, PageUp: -60, PageDown: 60, Home: -Infinity, End: Infinity }

/**
 * A chart on the canvas of a figure. `lines` are custom properties of the style sheet, by the names of the lines;
 * `units` are those of the scale, each `base` times the one before. All values are shown in the unit of the scale.
 */
export class Chart {
  #figure
  #canvas
  #lines
  #base
  #units
  #reading = createElement('p', { className: 'reading', hidden: true })
  /** Points with `at` (milliseconds) and `values`, the latest last. */
  #points = []
  #top = MIN_TOP
  /** The time of the selected point. */
  #selected

  constructor (figure, { lines, base = 1000, units = ['', 'k', 'M'] }) {
    this.#figure = figure
    this.#canvas = figure.querySelector('canvas')
    this.#lines = Object.entries(lines)
    this.#base = base
    this.#units = units
    figure.append(this.#reading)
    new ResizeObserver(() => { this.draw() }).observe(this.#canvas)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { this.draw() })
    this.#listen()
  }

  #listen () {
    const canvas = this.#canvas
    canvas.onpointermove = canvas.onpointerdown = ({ offsetX }) => { this.#selectAt(offsetX) }
    canvas.onpointerleave = canvas.onblur = () => { this.#select(undefined) }
    canvas.onfocus = () => { if (this.#selected === undefined) this.#select(this.#points.at(-1)) }
    canvas.onkeydown = event => {
      if (!Object.hasOwn(steps, event.key)) return
      event.preventDefault()
      this.#move(steps[event.key])
    }
  }

  /** The unit of the scale. */
  get unit () {
    return this.#units[this.#power]
  }

  /** A value in the unit of the scale, without it; a small one is not 0. */
  format (value) {
    const scaled = value / this.#base ** this.#power
    if (scaled > 0 && scaled < MIN_VALUE) return `<${MIN_VALUE}`
    if (scaled > 0 && scaled < 1) return String(Number(scaled.toPrecision(2)))
    return scaled === 0 || scaled >= 100 ? String(Math.round(scaled)) : String(Number(scaled.toFixed(1)))
  }

  /** Replaces all points. */
  set (points) {
    this.#points = points
    this.#top = MIN_TOP
    this.#changed()
  }

  /** Adds a point. */
  add (at, ...values) {
    this.#points.push({ at, values })
    this.#changed()
  }

  #changed () {
    const latest = this.#points.at(-1)?.at
    const first = this.#points.findIndex(({ at }) => at > latest - SPAN)
    if (first > 0) this.#points.splice(0, first)
    this.#updateScale()
    this.draw()
  }

  /** Grows the scale at once, but shrinks it only when most of it is empty, so that it does not flicker. */
  #updateScale () {
    const top = roundUp(this.#points.reduce((top, { values }) => Math.max(top, ...values), MIN_TOP), this.#base)
    if (top > this.#top || top < this.#top / 2.5) this.#top = top
  }

  get #power () {
    let power = 0
    while (this.#top >= this.#base ** (power + 1) && power < this.#units.length - 1) power++
    return power
  }

  // ---- selection ----

  #selectAt (x) {
    const latest = this.#points.at(-1)?.at
    const time = latest - SPAN * (1 - x / this.#canvas.clientWidth)
    const distance = ({ at }) => Math.abs(at - time)
    this.#select(this.#points.reduce((best, point) => distance(point) < distance(best) ? point : best, this.#points[0]))
  }

  #move (step) {
    const at = this.#points.findIndex(({ at }) => at === this.#selected)
    const from = at === -1 ? this.#points.length - 1 : at
    this.#select(this.#points[Math.min(Math.max(from + step, 0), this.#points.length - 1)])
  }

  #select (point) {
    this.#selected = point?.at
    this.draw()
  }

  /** Shows the values of the selected point beside it. */
  #showReading (point, x) {
    this.#reading.hidden = point === undefined
    if (point === undefined) return
    const values = this.#lines.map(([name], i) => `${name} ${this.format(point.values[i])}`)
    const text = `${formatTime(new Date(point.at))} · ${values.join(', ')} ${this.unit}`.trim()
    this.#reading.textContent = text
    this.#canvas.ariaValueText = text
    this.#canvas.ariaValueNow = String(Math.round((point.at - this.#points.at(-1).at) / 1000))
    const { offsetLeft, offsetTop } = this.#canvas
    const room = this.#figure.clientWidth - this.#reading.offsetWidth
    this.#reading.style.left = `${Math.max(0, Math.min(offsetLeft + x - this.#reading.offsetWidth / 2, room))}px`
    this.#reading.style.top = `${offsetTop - this.#reading.offsetHeight}px`
  }

  // ---- drawing ----

  draw () {
    const { width, height } = this.#canvas.getBoundingClientRect()
    if (width === 0) return
    const ratio = devicePixelRatio
    const style = getComputedStyle(this.#canvas)
    this.#canvas.width = Math.round(width * ratio)
    this.#canvas.height = Math.round(height * ratio)
    const context = this.#canvas.getContext('2d')
    context.scale(ratio, ratio)
    const floor = height < MIN_HEIGHT ? height : height - LABEL_HEIGHT
    drawScale(context, width, floor, style)
    for (const [i, [, colour]] of this.#lines.entries()) this.#drawLine(context, width, floor, style, colour, i)
    this.#drawLabels(context, width, height, floor, style)
    this.#drawSelection(context, width, floor, style)
  }

  #x (at, width) {
    return width * (1 - (this.#points.at(-1).at - at) / SPAN)
  }

  #y (value, floor) {
    return floor - 1 - value / this.#top * (floor - PADDING_TOP - 2)
  }

  #drawLine (context, width, floor, style, name, line) {
    const colour = style.getPropertyValue(name)
    for (const part of partsOf(this.#points)) {
      context.beginPath()
      for (const { at, values } of part) context.lineTo(this.#x(at, width), this.#y(values[line], floor))
      context.strokeStyle = context.fillStyle = colour
      context.lineWidth = 1.6
      context.lineJoin = context.lineCap = 'round'
      context.stroke()
      context.lineTo(this.#x(part.at(-1).at, width), floor)
      context.lineTo(this.#x(part[0].at, width), floor)
      context.globalAlpha = 0.12
      context.fill()
      context.globalAlpha = 1
    }
  }

  /** Draws the values of the scale, with an outline that separates them from the lines, and the times. */
  #drawLabels (context, width, height, floor, style) {
    context.font = `11px ${style.fontFamily}`
    context.fillStyle = style.getPropertyValue('--muted')
    context.strokeStyle = style.getPropertyValue('--card')
    context.lineWidth = 4
    for (const [value, y] of [[this.#top, PADDING_TOP + 12], [this.#top / 2, floor / 2 + 12]]) {
      const text = `${this.format(value)} ${this.unit}`.trim()
      context.strokeText(text, 2, y)
      context.fillText(text, 2, y)
      if (height < MIN_HEIGHT) return
    }
    drawTimes(context, width, height)
  }

  #drawSelection (context, width, floor, style) {
    const point = this.#points.find(({ at }) => at === this.#selected)
    const x = point === undefined ? 0 : this.#x(point.at, width)
    this.#showReading(point, x)
    if (point === undefined) return
    context.strokeStyle = style.getPropertyValue('--muted')
    context.lineWidth = 1
    context.beginPath()
    context.moveTo(x, 0)
    context.lineTo(x, floor)
    context.stroke()
    for (const [i, [, colour]] of this.#lines.entries()) {
      context.fillStyle = style.getPropertyValue(colour)
      context.beginPath()
      context.arc(x, this.#y(point.values[i], floor), 3, 0, 2 * Math.PI)
      context.fill()
    }
  }
}

/** The points in parts without gaps. */
function partsOf (points) {
  const parts = []
  for (const [i, point] of points.entries()) {
    if (i === 0 || point.at - points[i - 1].at > GAP) parts.push([])
    parts.at(-1).push(point)
  }
  return parts
}

function drawScale (context, width, floor, style) {
  context.strokeStyle = style.getPropertyValue('--line')
  context.beginPath()
  for (const y of [PADDING_TOP + 0.5, Math.round(floor / 2) + 0.5, floor - 0.5]) {
    context.moveTo(0, y)
    context.lineTo(width, y)
  }
  context.stroke()
}

function drawTimes (context, width, height) {
  for (const [text, x, align] of [['10 min ago', 0, 'left'], ['5 min', width / 2, 'center'], ['now', width, 'right']]) {
    context.textAlign = align
    context.fillText(text, x, height - 2)
  }
}

/** Rounds up to the series 1, 2, 5, 10, 20, 50 ... 500 times a power of `base`. */
function roundUp (value, base) {
  let factor = 1
  while (value > factor * 500) factor *= base
  return [1, 2, 5, 10, 20, 50, 100, 200, 500].find(step => step * factor >= value) * factor
}
