// A line chart of the last two minutes, redrawn every second.

const POINTS = 120
const PADDING_TOP = 2
/** Least value of the top of the scale. */
const MIN_TOP = 10
/** Height of the time labels; a chart lower than MIN_HEIGHT has none. */
const LABEL_HEIGHT = 16
const MIN_HEIGHT = 70

/**
 * A chart on a canvas. `colours` are custom properties of the style sheet, one for each line; `format` formats the top
 * of the scale, which is a round number of `unit`, its square or its cube.
 */
export class Chart {
  #canvas
  #colours
  #format
  #unit
  #points = []
  #top = MIN_TOP

  constructor (canvas, colours, format, unit = 1000) {
    this.#canvas = canvas
    this.#colours = colours
    this.#format = format
    this.#unit = unit
    new ResizeObserver(() => { this.draw() }).observe(canvas)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { this.draw() })
  }

  /** Adds one value for each line. */
  add (...values) {
    this.#points.push(values)
    if (this.#points.length > POINTS) this.#points.shift()
    this.#updateScale()
    this.draw()
  }

  /** Removes all values. */
  clear () {
    this.#points = []
    this.#top = MIN_TOP
    this.draw()
  }

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
    for (const [line, name] of this.#colours.entries()) {
      this.#drawLine(context, width, floor, style.getPropertyValue(name), line)
    }
    this.#drawLabels(context, width, height, style)
  }

  /** Grows the scale at once, but shrinks it only when most of it is empty, so that it does not flicker. */
  #updateScale () {
    const top = roundUp(Math.max(MIN_TOP, ...this.#points.flat()), this.#unit)
    if (top > this.#top || top < this.#top / 2.5) this.#top = top
  }

  /** Draws the top of the scale, with an outline that separates it from the lines, and the times. */
  #drawLabels (context, width, height, style) {
    context.font = `11px ${style.fontFamily}`
    context.fillStyle = style.getPropertyValue('--muted')
    context.strokeStyle = style.getPropertyValue('--card')
    context.lineWidth = 4
    context.strokeText(this.#format(this.#top), 2, PADDING_TOP + 12)
    context.fillText(this.#format(this.#top), 2, PADDING_TOP + 12)
    if (height >= MIN_HEIGHT) drawTimes(context, width, height)
  }

  #drawLine (context, width, height, colour, line) {
    if (this.#points.length < 2) return
    const x = i => width - (this.#points.length - 1 - i) * width / (POINTS - 1)
    const y = value => height - 1 - value / this.#top * (height - PADDING_TOP - 2)
    context.beginPath()
    for (const [i, values] of this.#points.entries()) context.lineTo(x(i), y(values[line]))
    context.strokeStyle = colour
    context.lineWidth = 1.6
    context.lineJoin = 'round'
    context.stroke()
    context.lineTo(width, height)
    context.lineTo(x(0), height)
    context.globalAlpha = 0.12
    context.fillStyle = colour
    context.fill()
    context.globalAlpha = 1
  }
}

function drawScale (context, width, height, style) {
  context.strokeStyle = style.getPropertyValue('--line')
  context.beginPath()
  for (const y of [PADDING_TOP + 0.5, height / 2, height - 0.5]) {
    context.moveTo(0, y)
    context.lineTo(width, y)
  }
  context.stroke()
}

function drawTimes (context, width, height) {
  for (const [text, at, align] of [['2 min ago', 0, 'left'], ['1 min', width / 2, 'center'], ['now', width, 'right']]) {
    context.textAlign = align
    context.fillText(text, at, height - 2)
  }
}

/** The next higher number of the series 1, 2, 5, 10, 20, 50 ... 500 times a power of `unit`. */
function roundUp (value, unit) {
  let factor = 1
  while (value > factor * 500) factor *= unit
  return [1, 2, 5, 10, 20, 50, 100, 200, 500].find(step => step * factor >= value) * factor
}
