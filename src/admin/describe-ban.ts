import type { Ban } from '../core/admission/bans.ts'

/** A ban as JSON, in responses and in the state file. */
export interface BanRecord {
  address: string
  reason: string
  /** ISO 8601. */
  since: string
  /** ISO 8601; null: never expires. */
  until: string | null
}

export function describeBan ({ address, reason, since, until }: Ban): BanRecord {
  return {
    address,
    reason,
    since: new Date(since).toISOString(),
    until: until === undefined ? null : new Date(until).toISOString()
  }
}
