import { command, peerId, UsageError, wholeNumber } from './command.ts'

/** Disconnects peers, with a code and a reason. */
export const kick = command('Disconnects peers', '<id>... | --all', {
  all: { type: 'boolean', about: 'all of them' },
  code: { type: 'string', value: '<code>', about: 'close code: 1000 unless given, 4000 to 4999 are yours' },
  reason: { type: 'string', value: '<text>', about: 'what they are told, up to 123 bytes' }
}, async ({ client, values: { all, code, reason }, rest, line: { output } }) => {
  if ((all === true) === (rest.length > 0)) throw new UsageError('kick: give the ids of the peers, or --all')
  const who = all === true ? { all } : { ids: rest.map(peerId) }
  const how = { ...(code === undefined ? {} : { code: wholeNumber('--code', code) }), ...(reason === undefined ? {} : { reason }) }
  const { requested, notFound } = await client.call('disconnectPeers', {}, { ...who, ...how })
  output.write(`${requested} ${requested === 1 ? 'peer is' : 'peers are'} closing\n`)
  if (notFound.length > 0) throw new Error(`no such peer: ${notFound.join(', ')}`)
})
