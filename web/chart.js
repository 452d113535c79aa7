// A line chart of the last two minutes, drawn anew once a second.

const POINTS = 120
const GAP = 2
/** What the top of the scale is at least. */
const LEAST = 10
/** Room for the times below; a chart that is too low for them has none. */
const TIMES = 16
const LOW = 70

/** A chart on a canvas: `lines` are names of colours in the style sheet, one for each line; `format` writes the top of the scale, whose steps are even in `unit`. */
export class Chart {
  #canvas
  #lines
  #format
  #unit
  #points = []
  #top = LEAST

  constructor (canvas, lines, format, unit = 1000) {
    this.#canvas = canvas
    this.#lines = lines
    this.#format = format
    this.#unit = unit
    new ResizeObserver(() => { this.draw() }).observe(canvas)
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => { this.draw() })
  }

  /** Adds one value for each line. */
  add (...values) {
    this.#points.push(values)
    if (this.#points.length > POINTS) this.#points.shift()
    this.#scale()
    this.draw()
  }

  /** Forgets all values. */
  clear () {
    this.#points = []
    this.#top = LEAST
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
    const floor = height < LOW ? height : height - TIMES
    drawScale(context, width, floor, style)
    for (const [i, name] of this.#lines.entries()) this.#drawLine(context, width, floor, style.getPropertyValue(name), i)
    this.#drawWords(context, width, height, style)
  }

  /** The top of the scale grows at once, and shrinks only when much of it is empty: a calm picture. */
  #scale () {
    const top = niceAbove(Math.max(LEAST, ...this.#points.flat()), this.#unit)
    if (top > this.#top || top < this.#top / 2.5) this.#top = top
  }

  /** The top of the scale, readable where a line passes it, and the times. */
  #drawWords (context, width, height, style) {
    context.font = `11px ${style.fontFamily}`
    context.fillStyle = style.getPropertyValue('--quiet')
    context.strokeStyle = style.getPropertyValue('--card')
    context.lineWidth = 4
    context.strokeText(this.#format(this.#top), 2, GAP + 12)
    context.fillText(this.#format(this.#top), 2, GAP + 12)
    if (height >= LOW) drawTimes(context, width, height)
  }

  #drawLine (context, width, height, colour, line) {
    if (this.#points.length < 2) return
    const x = i => width - (this.#points.length - 1 - i) * width / (POINTS - 1)
    const y = value => height - 1 - value / this.#top * (height - GAP - 2)
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
  for (const y of [GAP + 0.5, height / 2, height - 0.5]) {
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

/** The next of 1, 2, 5, 10, 20, 50, 100 and so on, of the unit, its square or its cube. */
export function niceAbove (value, unit) {
  let whole = 1
  while (value > whole * 500) whole *= unit
  return [1, 2, 5, 10, 20, 50, 100, 200, 500].find(step => step * whole >= value) * whole
}
