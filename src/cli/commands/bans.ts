import { formatAge } from '../../client/format.ts'
import type { Ban } from '../../client/operations.ts'
import { reasonOption } from '../close-options.ts'
import { defineCommand, UsageError } from '../command.ts'
import { checkComplete } from '../incomplete.ts'
import { printLines, printResult } from '../print-lines.ts'
import { type Columns, formatItems } from '../terminal-text.ts'

const units = { s: 1, m: 60, h: 3600, d: 86400 } as const

/** Lists bans as a table or as JSON. */
export const bans = defineCommand('Lists banned addresses', '', {
  json: { type: 'boolean', description: 'print JSON with all fields' }
}, async ({ client, options: { json }, line: { output } }) => {
  const { items } = await client.call('bans')
  printResult(output, json, items, found => formatItems(columns, found))
})

/** Bans an address or a range. */
export const ban = defineCommand('Bans an address or range, and disconnects its peers', '<ip or CIDR>', {
  for: {
    type: 'string', placeholder: '<time>', description: 'duration, e.g. 90s, 15m, 12h or 7d (default: permanent)'
  },
  reason: reasonOption
}, async ({ client, options: { for: duration, reason }, operands, line: { output } }) => {
  const { address, until, ...missing } = await client.call('ban', {}, {
    address: oneAddress(operands),
    ...(duration === undefined ? {} : { seconds: parseDuration(duration) }),
    ...(reason === undefined ? {} : { reason })
  })
  printLines(output, [`banned ${address} ${until === null ? 'permanently' : `until ${until}`}`])
  checkComplete(missing)
})

/** Lifts a ban. */
export const unban = defineCommand('Lifts the ban on an address or range', '<ip or CIDR>', {
}, async ({ client, operands, line: { output } }) => {
  const address = oneAddress(operands)
  const missing = await client.call('unban', { address })
  printLines(output, [`lifted the ban on ${address}`])
  checkComplete(missing ?? {})
})

function oneAddress ([address, ...more]: readonly string[]): string {
  if (address === undefined || more.length > 0) throw new UsageError('expected one IP address or CIDR range')
  return address
}

/** Seconds of a duration such as `15m`. */
function parseDuration (text: string): number {
  const [, number, unit] = /^(\d+(?:\.\d+)?)([smhd])$/.exec(text) ?? []
  const seconds = Number(number) * units[unit as keyof typeof units]
  if (!(seconds > 0)) throw new UsageError(`invalid --for ${text}: expected a number and one of s, m, h, d, e.g. 15m`)
  return seconds
}

const columns: Columns<Ban> = [
  ['ADDRESS', 'left', ({ address }) => address],
  ['AGE', 'right', ({ since }) => formatAge(since)],
  ['UNTIL', 'left', ({ until }) => until ?? 'permanent'],
  ['REASON', 'left', ({ reason }) => reason]
]
