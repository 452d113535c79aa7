import { GodotError } from '../../error.ts'
import type { KeyStore } from '../bus/bus.ts'
import { decodeJson, encodeJson } from '../message/json.ts'

/** A node and the settings that it must share with the others. */
export interface LeaseOwner {
  readonly nodeId: string
  /** Random number by which a node recognizes a lease of its own, even if the response to its claim was lost. */
  readonly instance: number
  readonly version: string
  /** See `MembershipHost.agreement`. */
  readonly agreement: string
}

/** The value of the lease of a slot. */
export interface LeaseValue extends LeaseOwner {
  readonly epoch: number
  readonly startedAt: number
  /** Whether its owner has left: the slot stays unused until the key expires. */
  readonly hasLeft: boolean
}

/** Key of the lease of a slot. */
export function leaseKey (slot: number): string {
  return `slot.${slot}`
}

export function encodeLease (value: LeaseValue): Uint8Array {
  return encodeJson(value)
}

export function decodeLease (bytes: Uint8Array): LeaseValue {
  return decodeJson(bytes)
}

/** All leases by slot, including those that have ended but not expired. */
export async function readLeases (store: KeyStore): Promise<Map<number, LeaseValue>> {
  const leases = new Map<number, LeaseValue>()
  const end = await store.watch(({ key, value }) => {
    if (value !== undefined) leases.set(Number(key.slice('slot.'.length)), decodeLease(value))
  })
  end()
  return leases
}

/** ERR_INVALID_PARAMETER naming the first difference if two nodes cannot be in the same cluster. */
export function conflictOf (own: LeaseOwner, other: LeaseOwner): GodotError | undefined {
  if (own.nodeId === other.nodeId) return conflict(`another node has the id ${own.nodeId}`)
  if (own.version !== other.version) {
    return conflict(`version ${own.version} differs from ${other.version} of node ${other.nodeId}`)
  }
  const [mine, theirs] = [members(own), members(other)]
  const name = [...new Set([...mine.keys(), ...theirs.keys()])].find(name => mine.get(name) !== theirs.get(name))
  if (name === undefined) return undefined
  return conflict(`${name} differs from node ${other.nodeId}: here ${mine.get(name)}, there ${theirs.get(name)}`)
}

/** Members of an agreement, as JSON. */
function members ({ agreement }: LeaseOwner): Map<string, string> {
  const entries = Object.entries(JSON.parse(agreement) as Record<string, unknown>)
  return new Map(entries.map(([name, value]) => [name, JSON.stringify(value)]))
}

function conflict (difference: string): GodotError {
  return new GodotError('ERR_INVALID_PARAMETER', `cluster: ${difference}`)
}
