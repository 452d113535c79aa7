import { formatMissingNodes, formatPlural } from '../../client/format.ts'
import { closeFrame, closeOptions } from '../close-options.ts'
import { defineCommand, parsePeerId, UsageError } from '../command.ts'
import { printLines } from '../print-lines.ts'

/** Disconnects peers with a close code and a reason. */
export const kick = defineCommand('Disconnects peers', '<id>... | --all', {
  all: { type: 'boolean', description: 'disconnect all peers' },
  ...closeOptions(1000)
}, async ({ client, options: { all, ...close }, operands, line: { output } }) => {
  if ((all === true) === (operands.length > 0)) throw new UsageError('expected either ids of peers or --all')
  const { requested, notFound, ...missing } = await client.call('disconnectPeers', {}, {
    ...(all === true ? { all } : { ids: operands.map(parsePeerId) }),
    ...closeFrame(close)
  })
  printLines(output, [`disconnecting ${formatPlural(requested, 'peer')}`])
  const problems = [
    notFound.length > 0 ? `no such peer: ${notFound.join(', ')}` : undefined, formatMissingNodes(missing)
  ].filter(problem => problem !== undefined)
  if (problems.length > 0) throw new Error(problems.join('; '))
})
