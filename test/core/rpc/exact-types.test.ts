import t from 'tap'
import { exact, variant } from '../../../src/core/rpc/rpc-surface.ts'
import type { Kind } from '../../../src/core/rpc/rpc-surface.ts'
import { wires } from '../../../src/core/rpc/wire/wires.ts'
import type { ServerOptions } from '../../../src/options/option-types.ts'
import { MethodList } from '../../../src/protocol/multiplayer/method-list.ts'
import { Float } from '../../../src/protocol/variant/variant-types.ts'
import type { Variant } from '../../../src/protocol/variant/variant-types.ts'
import { FrameClient } from '../../helper/memory/frame-client.ts'
import { header } from '../../helper/memory/memory-client.ts'
import { methodNames, rpcClientCodecs } from '../../helper/godot/rpc-client-codecs.ts'
import { blank, bytesOf, hexOf, readVectors } from '../../helper/random/variant-vectors.ts'
import type { Vector } from '../../helper/random/variant-vectors.ts'
import { openMemoryServer } from '../../helper/memory/memory-server.ts'

type WireName = ServerOptions['wire']

const list = new MethodList(methodNames)
const HIT = `0${list.idOf('hit')!}`
const MOVE = `0${list.idOf('move')!}`

/** An argument list of one value, as recorded from Godot: the bytes between the method and the end of the packet. */
interface Recorded {
  readonly name: string
  readonly hex: string
  readonly undefinedBytes: number[]
  readonly isBare: boolean
}

function recorded (wire: WireName): Recorded[] {
  const vectors = readVectors<Vector[]>(wire === 'godot3' ? 'variant' : 'godot4-variant')
  return vectors.map(({ name, hex, rpc, rpc_raw: isBare = false, undefined_bytes: undefinedBytes = [] }) =>
    ({ name, hex: wire === 'godot3' ? hex : rpc!, undefinedBytes: wire === 'godot3' ? undefinedBytes : [], isBare }))
    // Godot 4 itself sends an empty byte array as no argument.
    .filter(({ hex }) => hex !== '')
}

/** What a client sends to call `hit` on node 7, and gets when `move` is called on node 1. */
const packets: Record<WireName, { sent: (value: Recorded) => Uint8Array, received: (value: Recorded) => string }> = {
  godot3: {
    sent: ({ hex }) => Buffer.concat([header(10, 1), bytesOf(`000700000068697400 01${hex}`.replace(' ', ''))]),
    received: ({ hex, undefinedBytes }) => `${hexOf(header(1, 10))}00010000006d6f76650001${blank(hex, undefinedBytes)}`
  },
  godot4: {
    sent: ({ hex, isBare }) => bytesOf(isBare ? `8007${HIT}${hex}` : `0007${HIT}01${hex}`),
    received: ({ hex, isBare }) => isBare ? `8001${MOVE}${hex}` : `0001${MOVE}01${hex}`
  }
}

/** A server on which `hit` sends its argument back by `move`, and a client that calls it. */
async function serve (
  wire: WireName, options: Partial<ServerOptions>, kind?: Kind, nodeOptions?: { exactTypes: boolean }
) {
  const server = await openMemoryServer({ gdMpApi: true, wire, closeTimeout: 0.05, ...options }, () => 10)
  const surface = kind === undefined ? methodNames : { hit: [kind], move: [kind], quiet: [] }
  const got: Variant[] = []
  const main = server.multiplayer.node('/root/Main', surface as readonly string[], nodeOptions)
  main.method('any_peer', 'hit', (sender, value) => {
    got.push(value)
    main.rpcId(sender, 'move', value)
  })
  const client = new FrameClient(server)
  client.binary(rpcClientCodecs[wire].announce(10, 7, 'Main'))
  main.rpcId(10, 'quiet')
  client.binary(rpcClientCodecs[wire].confirm(10, 1, 'Main'))
  await client.frames()
  return { server, client, got }
}

for (const wire of Object.keys(wires) as WireName[]) {
  const { sent, received } = packets[wire]
  const speaker = rpcClientCodecs[wire]

  t.test(`${wire}: with exact types every recorded value is forwarded byte for byte`, async t => {
    for (const [options, kind, nodeOptions] of [
      [{ exactTypes: true }],
      [{ exactTypes: true }, variant],
      [{}, variant, { exactTypes: true }],
      [{}, exact],
      [{ exactTypes: true }, exact, { exactTypes: false }]
    ] as Array<[Partial<ServerOptions>, Kind?, { exactTypes: boolean }?]>) {
      const { server, client } = await serve(wire, options, kind, nodeOptions)
      const values = recorded(wire)
      t.ok(values.length > 170)
      for (const value of values) {
        client.binary(sent(value))
        t.same((await client.frames()).map(({ payload }) => hexOf(payload)), [received(value)], value.name)
      }
      t.equal(server.monitor.failures, 0)
      await server.stop()
    }
  })

  const status = (): Variant => new Map<string, Variant>([['speed', new Float(5)], ['path', [new Float(1), 2, 0.5]]])

  t.test(`${wire}: by default and where exact types are off, handlers get plain numbers`, async t => {
    for (const [options, kind, nodeOptions] of [[{}], [{}, variant], [{
      exactTypes: true
    }, variant, { exactTypes: false }]] as const) {
      const { server, client, got } = await serve(wire, options, kind, nodeOptions)
      client.binary(speaker.call(10, 7, 'hit', [status()]))
      t.strictSame(got, [new Map<string, Variant>([['speed', 5], ['path', [1, 2, 0.5]]])])
      await server.stop()
    }
  })

  t.test(`${wire}: exact types can be set for each parameter`, async t => {
    const server = await openMemoryServer({ gdMpApi: true, wire, closeTimeout: 0.05 }, () => 10)
    const got: unknown[][] = []
    server.multiplayer.node('/root/Main', { hit: [variant, exact, Map], move: [], quiet: [] })
      .method('any_peer', 'hit', (_, ...values) => got.push(values))
    new FrameClient(server).binary(speaker.call(10, 'Main', 'hit', [status(), status(), status()]))
    const plain = new Map<string, Variant>([['speed', 5], ['path', [1, 2, 0.5]]])
    t.strictSame(got, [[plain, status(), plain]])
    await server.stop()
  })
}
