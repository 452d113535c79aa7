import type { RemoteNode } from '../../../src/core/rpc/remote-node.ts'
import type { RpcMode } from '../../../src/core/rpc/rpc-mode.ts'
import { variant } from '../../../src/core/rpc/rpc-surface.ts'
import type { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import type { Variant } from '../../../src/protocol/variant/variant-types.ts'

/** The script of Main and Main/Pawn in the recorded processes of godot4-rpc.json. */
export const script = {
  r0: [],
  r1: [variant],
  r2: [variant, variant],
  r3: [variant, variant, variant],
  au: [variant],
  al: [variant],
  rl: [variant],
  un: [variant],
  uo: [variant]
} as const

const modes: Record<keyof typeof script, RpcMode> = {
  r0: 'any_peer',
  r1: 'any_peer',
  r2: 'any_peer',
  r3: 'any_peer',
  au: 'authority',
  al: 'authority call_local',
  rl: 'any_peer call_local',
  un: 'any_peer',
  uo: 'any_peer'
}

/** A handled call: method, sender, node name and arguments. */
export type HandledCall = [method: string, sender: number, node: string, values: Variant[]]

/** Adds a node with that script; `onCall` receives each handled call. */
export function addScriptedNode (
  server: WebSocketServer, path: string, onCall: (...call: HandledCall) => void
): RemoteNode {
  const node: RemoteNode = server.multiplayer.node(path, script)
  for (const [name, mode] of Object.entries(modes)) {
    node.method(mode, name, (sender, ...values) => {
      onCall(name, sender, path.split('/').pop() as string, values as Variant[])
    })
  }
  return node
}
