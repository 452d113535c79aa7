import type { ClientEvent } from '../client/client.ts'
import { describeEvent, joinParts, type Severity } from '../client/event-text.ts'

/** A line in the list of events; `count` when it stands for several events. */
export interface EventLine {
  readonly at: string
  readonly severity: Severity
  readonly heading: string
  readonly text: string
  readonly count: number | undefined
}

/** The line for an event. */
export function eventLine (event: Exclude<ClientEvent, { type: 'open' }>): EventLine {
  const { severity, parts: [heading, ...rest], count } = describeEvent(event)
  return { at: event.at, severity, heading: heading.text, text: joinParts(rest), count }
}

/** The text after the heading, with the count. */
export function textWithCount ({ text, count = 1 }: EventLine): string {
  return count > 1 ? `${text} ×${count}`.trim() : text
}
