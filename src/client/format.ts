import type { State } from './operations.ts'

const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 })
const whole = new Intl.NumberFormat('en')
const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** 1234567 as `1,234,567`. */
export function formatCount (count: number): string {
  return whole.format(count)
}

/** 1234567 as `1.23M`. */
export function formatCompact (count: number): string {
  return compact.format(count)
}

/** The bytes of pairs of hex digits, which may have spaces between them; undefined if the text is anything else. */
export function bytesOfHex (text: string): Uint8Array | undefined {
  const digits = text.replace(/\s+/g, '')
  if (!/^([0-9a-f]{2})*$/i.test(digits)) return undefined
  return Uint8Array.from(digits.match(/../g) ?? [], pair => parseInt(pair, 16))
}

/** A rate per second: 0.4567 as `0.5`, 1234 as `1.23K`. */
export function formatRate (rate: number): string {
  return rate < 10 ? String(Math.round(rate * 10) / 10) : formatCompact(Math.round(rate))
}

/** 1024 as `1 KiB`, 1536 as `1.50 KiB`. */
export function formatBytes (count: number): string {
  let unit = 0
  for (; count >= 1024 && unit < byteUnits.length - 1; unit++) count /= 1024
  const digits = unit === 0 || count >= 100 || Number.isInteger(count) ? Math.round(count) : count.toPrecision(3)
  return `${digits} ${byteUnits[unit]}`
}

/** 3725 seconds as `1h 2m`. */
export function formatDuration (seconds: number): string {
  const s = Math.max(0, Math.floor(seconds))
  if (s < 60) return `${s}s`
  if (s < 3600) return `${Math.floor(s / 60)}m ${s % 60}s`
  if (s < 86400) return `${Math.floor(s / 3600)}h ${Math.floor(s / 60) % 60}m`
  return `${Math.floor(s / 86400)}d ${Math.floor(s / 3600) % 24}h`
}

/** Time since `date`, an ISO date, as `1h 2m`; `now` in milliseconds. */
export function formatAge (date: string, now = Date.now()): string {
  return formatDuration((now - Date.parse(date)) / 1000)
}

/** A date as the local time of day: `21:04:59`. */
export function formatTime (date: Date): string {
  return date.toLocaleTimeString('en-GB')
}

/** `192.0.2.7:1` and `[2001:db8::7]:1`. */
export function formatEndpoint (address: string, port: number): string {
  return address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`
}

/** What a server is for clients: `multiplayer relay, Godot 3` or `plain`. */
export function describeMode ({ gdMpApi, wire }: Pick<State, 'gdMpApi' | 'wire'>): string {
  return gdMpApi ? `multiplayer relay, Godot ${wire === 'godot4' ? 4 : 3}` : 'plain'
}

/** `1 peer`, `3,000 peers`. */
export function formatPlural (count: number, singular: string, plural = `${singular}s`): string {
  return `${formatCount(count)} ${count === 1 ? singular : plural}`
}

/** What a response says about nodes of the cluster that did not respond. */
export interface MissingNodes { readonly partial?: boolean, readonly unreachable?: readonly string[] }

/** `Incomplete: no response from b, c`; undefined when all nodes responded. */
export function formatMissingNodes ({ partial = false, unreachable = [] }: MissingNodes): string | undefined {
  const names = unreachable.length === 0 ? 'other nodes' : unreachable.join(', ')
  return partial ? `Incomplete: no response from ${names}` : undefined
}
