import stringWidth from 'string-width'
import { escapeControls } from '../client/escape-controls.ts'

export type Align = 'left' | 'right'

const bars = [...'▁▂▃▄▅▆▇█']
const graphemes = new Intl.Segmenter()

/** Text in exactly `width` columns: control characters escaped, padded, or cut with an ellipsis. */
export function fitText (text: string, width: number, align: Align = 'left'): string {
  const safe = safeText(text)
  const padding = width - stringWidth(safe)
  if (padding < 0) return cutText(safe, width)
  return align === 'right' ? ' '.repeat(padding) + safe : safe + ' '.repeat(padding)
}

/** Text whose width is known: no control characters and no lone surrogates, which terminals replace. */
function safeText (text: string): string {
  return escapeControls(text).toWellFormed()
}

function cutText (text: string, width: number): string {
  if (width < 1) return ''
  let [kept, free] = ['', width - 1]
  for (const { segment } of graphemes.segment(text)) {
    const columns = stringWidth(segment)
    if (columns > free) break
    kept += segment
    free -= columns
  }
  return `${kept}…${' '.repeat(free)}`
}

/** Lines of a table with its headings above. */
export function formatTable (
  headings: readonly string[], rows: readonly string[][], aligns: readonly Align[]
): string[] {
  const all = [headings, ...rows].map(row => row.map(safeText))
  const widths = headings.map((_, column) => all.reduce((width, row) => Math.max(width, stringWidth(row[column])), 0))
  return all.map(row => row.map((text, column) => fitText(text, widths[column], aligns[column])).join('  ').trimEnd())
}

/** Columns of a table: heading, alignment, and the text of an item. */
export type Columns<Item> = ReadonlyArray<readonly [heading: string, align: Align, read: (item: Item) => string]>

/** Lines of a table with one row for each item. */
export function formatItems<Item> (columns: Columns<Item>, items: readonly Item[]): string[] {
  const rows = items.map(item => columns.map(([, , read]) => read(item)))
  return formatTable(columns.map(([heading]) => heading), rows, columns.map(([, align]) => align))
}

/** The last `width` values as a row of bars, right-aligned; the highest value has a full bar. */
export function sparkline (values: readonly number[], width: number): string {
  const shown = values.slice(-width)
  const top = Math.max(...shown, 1)
  const levels = shown.map(value => Math.min(bars.length - 1, Math.floor(value / top * (bars.length - 0.01))))
  return levels.map(level => bars[level]).join('').padStart(width)
}
