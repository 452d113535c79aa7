// A line chart of the last two minutes, drawn anew once a second.

const POINTS = 120
const GAP = 2

/** A chart on a canvas: `lines` are names of colours in the style sheet, one for each line; `format` writes the top of the scale, whose steps are even in `unit`. */
export class Chart {
  #canvas
  #lines
  #format
  #unit
  #points = []
  #top = 1

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
    this.#top = 1
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
    this.#drawScale(context, width, height, style)
    for (const [i, name] of this.#lines.entries()) this.#drawLine(context, width, height, style.getPropertyValue(name), i)
  }

  /** The top of the scale grows at once, and shrinks only when much of it is empty: a calm picture. */
  #scale () {
    const top = niceAbove(Math.max(1, ...this.#points.flat()), this.#unit)
    if (top > this.#top || top < this.#top / 2.5) this.#top = top
  }

  #drawScale (context, width, height, style) {
    context.strokeStyle = style.getPropertyValue('--line')
    context.fillStyle = style.getPropertyValue('--quiet')
    context.font = `11px ${style.fontFamily}`
    context.beginPath()
    for (const y of [GAP + 0.5, height / 2, height - 0.5]) {
      context.moveTo(0, y)
      context.lineTo(width, y)
    }
    context.stroke()
    context.fillText(this.#format(this.#top), 2, GAP + 12)
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

/** The next of 1, 2, 5, 10, 20, 50, 100 and so on, of the unit, its square or its cube. */
export function niceAbove (value, unit) {
  let whole = 1
  while (value > whole * 500) whole *= unit
  return [1, 2, 5, 10, 20, 50, 100, 200, 500].find(step => step * whole >= value) * whole
}
