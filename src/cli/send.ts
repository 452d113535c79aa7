import type { Operations } from '../client/operations.ts'
import { command, peerId, UsageError, type Terminal } from './command.ts'

type Packet = Operations['broadcast']['body']

/** How a packet can be given. */
const kinds: Readonly<Record<'text' | 'hex' | 'variant', (text: string) => Packet>> = {
  text: text => text,
  hex: digits => fromHex(digits.replace(/\s+/g, '')),
  variant: text => ({ variant: fromJson(text) })
}

/** Sends a packet to all peers, to one, or to all but one. */
export const send = command('Sends a packet to all peers: what is given, or else what comes in at stdin, as binary', '', {
  to: { type: 'string', value: '<id>', about: 'only to this peer' },
  but: { type: 'string', value: '<id>', about: 'to all but this peer' },
  text: { type: 'string', value: '<text>', about: 'a text packet' },
  hex: { type: 'string', value: '<digits>', about: 'a binary packet, such as "c0 ff ee"' },
  variant: { type: 'string', value: '<JSON>', about: 'a Variant, such as {"Vector2":[1,2]} (docs/variant.md)' }
}, async ({ client, values: { to, but, ...given }, line }) => {
  if (to !== undefined && but !== undefined) throw new UsageError('send: either --to or --but')
  const [one, others] = [to, but].map(id => id === undefined ? undefined : peerId(id))
  const packet = Object.keys(given).length === 0 ? await fromInput(line) : packetOf(given)
  if (one !== undefined) {
    const { bytes } = await client.call('putPacket', { id: one }, packet)
    line.output.write(`sent, ${bytes} ${bytes === 1 ? 'byte' : 'bytes'}\n`)
  } else {
    const { recipients } = await client.call('broadcast', { target: others === undefined ? 0 : -others }, packet)
    line.output.write(`sent to ${recipients} ${recipients === 1 ? 'peer' : 'peers'}\n`)
  }
})

function packetOf (given: { readonly [Kind in keyof typeof kinds]?: string }): Packet {
  const [[kind, text], ...more] = Object.entries(given) as Array<[keyof typeof kinds, string]>
  if (more.length > 0) throw new UsageError('send: one of --text, --hex and --variant')
  return kinds[kind](text)
}

async function fromInput ({ input, errors }: Terminal): Promise<Packet> {
  if (input.isTTY) errors.write('The packet is what you type; Ctrl-D ends it.\n')
  return Buffer.concat(await input.toArray())
}

function fromHex (digits: string): Packet {
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new UsageError('--hex: pairs of hex digits are wanted')
  return Buffer.from(digits, 'hex')
}

function fromJson (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UsageError(`--variant: ${(error as Error).message}`)
  }
}
