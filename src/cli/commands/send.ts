import { bytesOfHex, formatPlural } from '../../client/format.ts'
import type { Operations } from '../../client/operations.ts'
import { defineCommand, parseJson, parsePeerId, type Streams, UsageError } from '../command.ts'
import { checkComplete } from '../incomplete.ts'
import { printLines } from '../print-lines.ts'

type Packet = Operations['broadcast']['body']

/** How each option's value becomes a packet. */
const parsers: Readonly<Record<'text' | 'hex' | 'variant', (value: string) => Packet>> = {
  text: text => text,
  hex: parseHex,
  variant: json => ({ variant: parseJson('--variant', json) })
}

/** Sends a packet to all peers, to one peer, or to all but one; of all rooms or of one. */
export const send = defineCommand('Sends a packet; by default standard input, as binary, to all peers', '', {
  to: { type: 'string', placeholder: '<id>', description: 'send to this peer only' },
  but: { type: 'string', placeholder: '<id>', description: 'send to all peers except this one' },
  room: { type: 'string', placeholder: '<name>', description: 'send to peers of this room only' },
  text: { type: 'string', placeholder: '<text>', description: 'a text packet' },
  hex: { type: 'string', placeholder: '<digits>', description: 'a binary packet, e.g. "c0 ff ee"' },
  variant: {
    type: 'string', placeholder: '<JSON>', description: 'a Variant, e.g. {"Vector2":[1,2]} (docs/variant.md)'
  },
  raw: { type: 'boolean', description: 'send the bytes as they are, not as a Godot 3 network_peer_packet' }
}, async ({ client, options: { to, but, room, raw, ...sources }, line }) => {
  if (to !== undefined && but !== undefined) throw new UsageError('expected either --to or --but')
  const [receiver, excluded] = [to, but].map(id => id === undefined ? undefined : parsePeerId(id))
  const packet = Object.keys(sources).length === 0 ? await readInput(line) : parsePacket(sources)
  const flags = raw === true ? { raw } : {}
  const target = receiver ?? (excluded === undefined ? 0 : -excluded)
  if (room !== undefined) {
    printSent(line, await client.call('putRoomPacket', { room, target, ...flags }, packet))
  } else if (receiver !== undefined) {
    const { bytes } = await client.call('putPacket', { id: receiver, ...flags }, packet)
    printLines(line.output, [`sent ${formatPlural(bytes, 'byte')}`])
  } else {
    printSent(line, await client.call('broadcast', { target, ...flags }, packet))
  }
})

function printSent ({ output }: Streams, { recipients, ...missing }: Operations['broadcast']['response']): void {
  printLines(output, [`sent to ${formatPlural(recipients, 'peer')}`])
  checkComplete(missing)
}

function parsePacket (sources: { readonly [Source in keyof typeof parsers]?: string }): Packet {
  const [[source, value], ...more] = Object.entries(sources) as Array<[keyof typeof parsers, string]>
  if (more.length > 0) throw new UsageError('expected only one of --text, --hex and --variant')
  return parsers[source](value)
}

async function readInput ({ input, errors }: Streams): Promise<Packet> {
  if (input.isTTY) printLines(errors, ['Type the packet, then press Ctrl-D.'])
  return Buffer.concat(await input.toArray())
}

function parseHex (text: string): Packet {
  const bytes = bytesOfHex(text)
  if (bytes === undefined) throw new UsageError('invalid --hex: expected pairs of hex digits')
  return bytes
}
