/** What one mode means; the network master of a node is one peer, the server unless set otherwise. */
interface Mode {
  /** Whether a call that comes in is carried out. */
  accepts (isMaster: boolean, isFromMaster: boolean): boolean
  /** Whether a call that goes out is carried out here too. */
  runsHere (isMaster: boolean): boolean
  /** Whether a call is carried out here instead of going out. */
  staysHere (isMaster: boolean): boolean
}

const always = (): boolean => true
const never = (): boolean => false
const asMaster = (isMaster: boolean): boolean => isMaster
const asPuppet = (isMaster: boolean): boolean => !isMaster
const fromMaster = (isMaster: boolean, isFromMaster: boolean): boolean => !isMaster && isFromMaster

/**
 * Godot 3's MultiplayerAPI.RPCMode, and what is written behind `@rpc` in Godot 4: who may call what, and where else it runs. The names of
 * either may be used with either. What has no mode is never called from outside.
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

/** A keyword of GDScript in front of `func` or `var`; in Godot 4 the words of the `@rpc` annotation. */
export type RpcMode = keyof typeof rpcModes
