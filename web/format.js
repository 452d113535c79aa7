// Numbers and times in words that are quick to read.

const compact = new Intl.NumberFormat('en', { notation: 'compact', maximumSignificantDigits: 3 })
const whole = new Intl.NumberFormat('en')
const byteUnits = ['B', 'KiB', 'MiB', 'GiB', 'TiB']

/** 1234567 as 1,234,567. */
export function count (number) {
  return whole.format(number)
}

/** 1234567 as 1.23M. */
export function brief (number) {
  return compact.format(number)
}

/** 0.4567 as 0.5, 1234 as 1.23K: how much there is of something in a second. */
export function rate (number) {
  return number < 10 ? String(Math.round(number * 10) / 10) : brief(Math.round(number))
}

/** 1536 as 1.5 KiB. */
export function bytes (number) {
  let unit = 0
  while (number >= 1024 && unit < byteUnits.length - 1) {
    number /= 1024
    unit++
  }
  return `${unit === 0 || number >= 100 ? Math.round(number) : Number.isInteger(number) ? number : number.toPrecision(3)} ${byteUnits[unit]}`
}

/** 3725 seconds as 1h 2m. */
export function duration (seconds) {
  const s = Math.max(0, Math.floor(seconds))
  if (s < 60) return `${s}s`
  if (s < 3600) return `${Math.floor(s / 60)}m ${s % 60}s`
  if (s < 86400) return `${Math.floor(s / 3600)}h ${Math.floor(s / 60) % 60}m`
  return `${Math.floor(s / 86400)}d ${Math.floor(s / 3600) % 24}h`
}

/** A date as the time of day. */
export function clock (date) {
  return date.toLocaleTimeString('en-GB')
}
