/** The meaning of a mode. The network master of a node is one peer, by default the server. */
interface Mode {
  /** Whether a received call is carried out. */
  accepts (isMaster: boolean, isFromMaster: boolean): boolean
  /** Whether an outgoing call is carried out here as well. */
  runsHere (isMaster: boolean): boolean
  /** Whether an outgoing call is carried out here instead of being sent. */
  staysHere (isMaster: boolean): boolean
}

const always = (): boolean => true
const never = (): boolean => false
const asMaster = (isMaster: boolean): boolean => isMaster
const asPuppet = (isMaster: boolean): boolean => !isMaster
const fromMaster = (isMaster: boolean, isFromMaster: boolean): boolean => !isMaster && isFromMaster

/**
 * Godot 3's MultiplayerAPI.RPCMode and the words of Godot 4's `@rpc`: who may call a member, and whether it runs at the
 * caller as well. Both can be used with either version. A member without a mode cannot be called.
 */
export const rpcModes = {
  remote: { accepts: always, runsHere: never, staysHere: never },
  master: { accepts: asMaster, runsHere: asMaster, staysHere: asMaster },
  puppet: { accepts: fromMaster, runsHere: asPuppet, staysHere: never },
  remotesync: { accepts: always, runsHere: always, staysHere: never },
  mastersync: { accepts: asMaster, runsHere: always, staysHere: asMaster },
  puppetsync: { accepts: fromMaster, runsHere: always, staysHere: never },
  any_peer: { accepts: always, runsHere: never, staysHere: never },
  authority: { accepts: fromMaster, runsHere: never, staysHere: never },
  'any_peer call_local': { accepts: always, runsHere: always, staysHere: never },
  'authority call_local': { accepts: fromMaster, runsHere: always, staysHere: never }
} as const satisfies Record<string, Mode>

/** The keyword of GDScript before `func` or `var`; in Godot 4 the words of the `@rpc` annotation. */
export type RpcMode = keyof typeof rpcModes
