import { formatPlural } from '../../client/format.ts'
import { defineCommand, parseInteger, parsePeerId, UsageError } from '../command.ts'
import { printLines } from '../print-lines.ts'

/** Disconnects peers with a close code and a reason. */
export const kick = defineCommand('Disconnects peers', '<id>... | --all', {
  all: { type: 'boolean', description: 'disconnect all peers' },
  code: { type: 'string', placeholder: '<code>', description: 'close code (default: 1000); games use 4000 to 4999' },
  reason: { type: 'string', placeholder: '<text>', description: 'reason sent to the clients, at most 123 bytes' }
}, async ({ client, options: { all, code, reason }, operands, line: { output } }) => {
  if ((all === true) === (operands.length > 0)) throw new UsageError('expected either ids of peers or --all')
  const { requested, notFound } = await client.call('disconnectPeers', {}, {
    ...(all === true ? { all } : { ids: operands.map(parsePeerId) }),
    ...(code === undefined ? {} : { code: parseInteger('--code', code) }),
    ...(reason === undefined ? {} : { reason })
  })
  printLines(output, [`disconnecting ${formatPlural(requested, 'peer')}`])
  if (notFound.length > 0) throw new Error(`no such peer: ${notFound.join(', ')}`)
})
