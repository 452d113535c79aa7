import t from 'tap'
import type { RemoteNode } from '../../../src/core/rpc/remote-node.ts'
import { exact, optional, unchecked } from '../../../src/core/rpc/rpc-surface.ts'
import type { MembersOf } from '../../../src/core/rpc/rpc-surface.ts'
import { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import { silentLogger } from '../../helper/silent-logger.ts'
import { Color, int } from '../../../src/protocol/variant/variant-types.ts'
import type { Variant } from '../../../src/protocol/variant/variant-types.ts'

const surface = {
  add: [String, optional(Color)],
  buy: [int, optional(int, 1), optional(Color, null)],
  state: [Map],
  pass: [exact],
  chat: unchecked,
  config: Map,
  hit: [int]
} as const

type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends (<T>() => T extends B ? 1 : 2) ? true : false
const same = <Is extends true>(is?: Is): void => { t.not(is, false) }

/** Compiled, never run. */
function compiled (node: RemoteNode<MembersOf<typeof surface>>, red: Color): void {
  node.method('remote', 'add', (_, name, color = red) => name + color.r)
  // @ts-expect-error it may be undefined
  node.method('remote', 'add', (_, name, color) => name + color.r)
  node.method('remote', 'buy', (_, item, count, color) => item + count + (color?.r ?? 0))
  // @ts-expect-error its default is null
  node.method('remote', 'buy', (_, item, count, color) => color.r)
  node.method('remote', 'state', (_, state) => state.get('hp'))
  node.method('remote', 'chat', (_, text: string, loud: boolean) => loud ? text : '')
  node.rpc('add', 'ann')
  node.rpc('add', 'ann', red)
  node.rpc('buy', 1)
  node.rpcId(7, 'buy', 1, 2, null)
  node.rpc('state', { hp: 1, position: [1, 2] })
  node.rpc('state', new Map([['hp', 1]]))
  node.rpc('pass', null)
  node.rpc('chat', 'hi', 5)
  node.rset('config', { speed: 1 })
  // @ts-expect-error an argument is missing
  node.rpc('add')
  // @ts-expect-error an optional argument of another kind
  node.rpc('add', 'ann', 5)
  // @ts-expect-error null is not its default
  node.rpc('add', 'ann', null)
  // @ts-expect-error too many
  node.rpc('buy', 1, 2, null, 4)
  // @ts-expect-error not a Dictionary
  node.rpc('state', 5)
  // @ts-expect-error not a Variant
  node.rpc('state', { hp: () => {} })
  // @ts-expect-error a method without checks is not a property
  node.rset('chat', 5)
  // @ts-expect-error a default of another kind
  optional(int, 'x')
}

t.test('optional, unchecked and exact members have the types of their declarations', async t => {
  same<Same<MembersOf<typeof surface>['hit'], (args_0: number) => void>>()
  same<Same<Parameters<MembersOf<typeof surface>['add']>, [name: string, color?: Color]>>()
  same<Same<Parameters<MembersOf<typeof surface>['pass']>, [value: Variant]>>()
  t.type(compiled, 'function')
  const node = new WebSocketServer({ log: silentLogger }).multiplayer.node('/root/Main', surface)
  t.equal(node.surface, surface)
})
