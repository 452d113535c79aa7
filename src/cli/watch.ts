import { defineCommand, type CommandContext, UsageError } from './command.ts'
import { eventLine, textWithCount } from './event-line.ts'
import { followEvents } from './follow-events.ts'
import { LiveView } from './live-view.ts'
import { printLines } from './print-lines.ts'
import { sortFields } from './screen.ts'

/** Shows the server until `q` or Ctrl-C; prints a line for each event when the output is not a terminal. */
export const watch = defineCommand('Shows state, traffic, peers and events live', '', {
  sort: {
    type: 'string',
    placeholder: '<field>',
    description: `sort peers by ${sortFields.join(', ')} (default: connectedAt)`,
    values: sortFields
  },
  room: { type: 'string', placeholder: '<name>', description: 'only peers and events of this room' }
}, async context => {
  const { options: { sort = 'connectedAt', room }, line: { output, signal } } = context
  if (!sortFields.includes(sort)) {
    throw new UsageError(`invalid --sort ${sort}: expected one of ${sortFields.join(', ')}`)
  }
  if (output.isTTY) await new LiveView(context, { sort, room }).run(signal)
  else await printEvents(context, room)
})

async function printEvents (
  { client, line: { output, errors, signal } }: CommandContext, room: string | undefined
): Promise<void> {
  let lastReason = ''
  const report = (reason: string): void => {
    if (reason === lastReason) return
    lastReason = reason
    printLines(errors, [reason === '' ? 'Reconnected.' : `Connection lost, retrying: ${reason}.`])
  }
  for await (const event of followEvents(client, { room, signal, onLost: report })) {
    report('')
    if (event.type === 'open' || event.type === 'stats') continue
    const line = eventLine(event)
    printLines(output, [`${line.at} ${line.heading} ${textWithCount(line)}`.trim()])
  }
}
