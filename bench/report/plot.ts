/** A line of a plot. */
export interface Series { readonly name: string, readonly points: ReadonlyArray<readonly [x: number, y: number]> }

/** Labels and lines of a plot. */
export interface Plot {
  readonly title: string
  readonly x: string
  readonly y: string
  readonly series: readonly Series[]
}

const size = { width: 780, height: 400 }
const area = { left: 64, right: 540, top: 56, bottom: 340 }
const LABEL_HEIGHT = 16
/** Readable on white and on black. */
const colours = ['#2f81f7', '#d29922', '#a371f7', '#3fb950', '#f85149', '#7d8590']
const GREY = '#7d8590'
const DIGITS = [1, 2, 5]

/** Draws lines on two logarithmic axes, with a label at the end of each, as an SVG for light and dark pages. */
export function plot ({ title, x, y, series }: Plot): string {
  const drawn = series.filter(({ points }) => points.length > 0)
  const xs = [...new Set(drawn.flatMap(({ points }) => points.map(([x]) => x)))].sort((a, b) => a - b)
  const ticks = decades(drawn.flatMap(({ points }) => points.map(([, y]) => y)))
  const toX = scale(xs, area.left, area.right)
  const toY = scale(ticks, area.bottom, area.top)
  const ends = labelHeights(drawn.map(({ points }) => toY(points[points.length - 1][1])))
  return [
    `<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 ${size.width} ${size.height}" ` +
      `font-family="system-ui, sans-serif" font-size="13" fill="${GREY}">`,
    text(16, 24, title, 'font-size="16" font-weight="600"'),
    text(16, 44, y),
    ...ticks.flatMap(tick => [
      line(area.left, toY(tick), area.right),
      text(area.left - 8, toY(tick) + 4, short(tick), 'text-anchor="end"')
    ]),
    ...xs.map(tick => text(toX(tick), area.bottom + 20, short(tick), 'text-anchor="middle"')),
    text((area.left + area.right) / 2, area.bottom + 44, x, 'text-anchor="middle"'),
    ...drawn.flatMap(({ name, points }, i) => [
      curve(points.map(([x, y]) => [toX(x), toY(y)]), colours[i % colours.length]),
      text(area.right + 12, ends[i] + 4, name, `fill="${colours[i % colours.length]}"`)
    ]),
    '</svg>\n'
  ].join('\n')
}

function scale (values: readonly number[], from: number, to: number): (value: number) => number {
  const [low, high] = [Math.log(Math.min(...values)), Math.log(Math.max(...values))]
  return value => round(from + (to - from) * (high === low ? 0.5 : (Math.log(value) - low) / (high - low)))
}

/** Ticks 1, 2, 5, 10, 20, ... from just below the lowest value to just above the highest. */
function decades (values: readonly number[]): number[] {
  const first = Math.floor(Math.log10(Math.min(...values)))
  const last = Math.ceil(Math.log10(Math.max(...values)))
  const all = Array.from({ length: last - first + 1 }, (_, i) => first + i)
    .flatMap(exponent => DIGITS.map(digit => Number(`${digit}e${exponent}`)))
  const low = all.findLastIndex(tick => tick <= Math.min(...values))
  const high = all.findIndex(tick => tick >= Math.max(...values))
  return all.slice(low, Math.max(high, low + 1) + 1)
}

/** Heights of labels, moved apart so that they do not overlap. */
function labelHeights (lineEnds: readonly number[]): number[] {
  const heights = [...lineEnds]
  const order = heights.map((_, i) => i).sort((a, b) => heights[a] - heights[b])
  for (let i = 1; i < order.length; i++) {
    heights[order[i]] = Math.max(heights[order[i]], heights[order[i - 1]] + LABEL_HEIGHT)
  }
  return heights
}

function curve (points: ReadonlyArray<readonly [number, number]>, colour: string): string {
  const dots = points.map(([x, y]) => `<circle cx="${x}" cy="${y}" r="3"/>`).join('')
  const line = `<polyline points="${points.join(' ')}" fill="none" stroke="${colour}" stroke-width="2"/>`
  return `<g fill="${colour}">${line}${dots}</g>`
}

function line (x1: number, y: number, x2: number): string {
  return `<path d="M${x1} ${y}H${x2}" stroke="${GREY}" stroke-opacity="0.3"/>`
}

function text (x: number, y: number, content: string, attributes = ''): string {
  const escaped = content.replaceAll('&', '&amp;').replaceAll('<', '&lt;')
  return `<text x="${round(x)}" y="${round(y)}" ${attributes}>${escaped}</text>`
}

/** Formats 65536 as 64Ki and 20000 as 20k. */
function short (value: number): string {
  if (value >= 1024 && value % 1024 === 0) return `${value / 1024}Ki`
  return value >= 1000 ? `${value / 1000}k` : String(value)
}

function round (value: number): number {
  return Math.round(value * 10) / 10
}
