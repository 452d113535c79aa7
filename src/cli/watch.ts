import { command, type Call, UsageError } from './command.ts'
import { describeEvent, withCount } from './event-line.ts'
import { follow } from './follow.ts'
import { LiveView } from './live-view.ts'
import { sorts } from './screen.ts'

/** Shows the server live until `q` or Ctrl-C; where the output is no terminal, a line for each event. */
export const watch = command('Shows the server live', '', {
  sort: { type: 'string', value: '<what>', about: `what its peers are sorted by: ${sorts.join(', ')}` }
}, async call => {
  const { values: { sort = 'connectedAt' }, line: { output, signal } } = call
  if (!sorts.includes(sort)) throw new UsageError(`--sort ${sort}: one of ${sorts.join(', ')}`)
  if (output.isTTY) await new LiveView(call, sort).run(signal)
  else await writeLines(call)
})

async function writeLines ({ client, line: { output, errors, signal } }: Call): Promise<void> {
  let trouble = ''
  const say = (text: string): void => {
    if (text !== trouble) errors.write(`${text === '' ? 'Connected again.' : `Trying again: ${text}.`}\n`)
    trouble = text
  }
  for await (const event of follow(client, signal, say)) {
    say('')
    if (event.type === 'open' || event.type === 'stats') continue
    const line = describeEvent(event)
    output.write(`${line.at} ${withCount(line)}\n`)
  }
}
