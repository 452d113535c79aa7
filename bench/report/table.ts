import { spreadOf } from './spread.ts'

/** A Markdown table; the first column is text, the others are right-aligned. */
export function table (head: readonly string[], rows: ReadonlyArray<readonly string[]>): string {
  const rule = head.map((_, column) => column === 0 ? '---' : '--:')
  return [head, rule, ...rows].map(cells => `| ${cells.join(' | ')} |`).join('\n')
}

/** Formats a figure with about three significant digits; `-` if undefined. */
export function figure (value: number | undefined): string {
  if (value === undefined || !Number.isFinite(value)) return '-'
  if (value >= 100) return Math.round(value).toLocaleString('en')
  return value >= 0.1 ? value.toFixed(2) : value.toPrecision(2)
}

/** Formats values as `median (min..max)`; `-` without any. */
export function spread (values: readonly number[]): string {
  const found = spreadOf(values)
  return found === undefined ? '-' : `${figure(found.median)} (${figure(found.min)}..${figure(found.max)})`
}
