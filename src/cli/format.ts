const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB']
const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 })
const bars = [...'▁▂▃▄▅▆▇█']

/** 1234567 as 1.23M. */
export function brief (number: number): string {
  return number < 10 ? String(Math.round(number * 10) / 10) : compact.format(Math.round(number))
}

/** 1536 as 1.5 KiB. */
export function bytes (number: number): string {
  let unit = 0
  for (; number >= 1024 && unit < byteUnits.length - 1; unit++) number /= 1024
  return `${unit === 0 || number >= 100 ? Math.round(number) : number.toPrecision(3)} ${byteUnits[unit]}`
}

/** 3725 seconds as 1h 2m. */
export function duration (seconds: number): string {
  const s = Math.max(0, Math.floor(seconds))
  if (s < 60) return `${s}s`
  if (s < 3600) return `${Math.floor(s / 60)}m ${s % 60}s`
  if (s < 86400) return `${Math.floor(s / 3600)}h ${Math.floor(s / 60) % 60}m`
  return `${Math.floor(s / 86400)}d ${Math.floor(s / 3600) % 24}h`
}

/** 192.0.2.7:1 and [2001:db8::7]:1. */
export function endpoint (address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

/** The last values as a row of bars of this width, the highest of them a full one. */
export function sparkline (values: readonly number[], width: number): string {
  const shown = values.slice(-width)
  const top = Math.max(...shown, 1)
  return shown.map(value => bars[Math.min(bars.length - 1, Math.floor(value / top * (bars.length - 0.01)))]).join('').padStart(width)
}

// eslint-disable-next-line no-control-regex
const unprintable = /[\u0000-\u001F\u007F-\u009F\u2028-\u202E\u2066-\u2069]/g

/** Text of others as it may stand in a line of a terminal, which would obey what is hidden in it. */
export function printable (text: string): string {
  return text.replace(unprintable, '\uFFFD')
}

/** Text in exactly so many columns: cut with an ellipsis, or filled up, on the left where `isRight`. */
export function fit (text: string, width: number, isRight = false): string {
  if (text.length > width) return width < 1 ? '' : `${text.slice(0, width - 1)}…`
  return isRight ? text.padStart(width) : text.padEnd(width)
}

/** Rows as a table: headings above, numbers to the right. */
export function table (headings: readonly string[], rows: readonly string[][], isRight: readonly boolean[]): string[] {
  const widths = headings.map((heading, i) => Math.max(heading.length, ...rows.map(row => row[i].length)))
  return [headings, ...rows].map(row => row.map((text, i) => fit(printable(text), widths[i], isRight[i])).join('  ').trimEnd())
}
