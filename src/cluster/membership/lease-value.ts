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

/** @throws ERR_INVALID_PARAMETER naming the first difference if two nodes cannot be in the same cluster */
export function checkAgreement (own: LeaseOwner, other: LeaseOwner): void {
  if (own.nodeId === other.nodeId) refuseId(own)
  if (own.version !== other.version) {
    refuse(`version ${own.version} differs from ${other.version} of node ${other.nodeId}`)
  }
  const [mine, theirs] = [members(own), members(other)]
  const name = [...new Set([...mine.keys(), ...theirs.keys()])].find(name => mine.get(name) !== theirs.get(name))
  if (name === undefined) return
  refuse(`${name} differs from node ${other.nodeId}: here ${mine.get(name)}, there ${theirs.get(name)}`)
}

/** @throws ERR_INVALID_PARAMETER */
export function refuseId ({ nodeId }: LeaseOwner): never {
  refuse(`another node has the id ${nodeId}`)
}

/** Members of an agreement, as JSON. */
function members ({ agreement }: LeaseOwner): Map<string, string> {
  const entries = Object.entries(JSON.parse(agreement) as Record<string, unknown>)
  return new Map(entries.map(([name, value]) => [name, JSON.stringify(value)]))
}

function refuse (difference: string): never {
  throw new GodotError('ERR_INVALID_PARAMETER', `cluster: ${difference}`)
}
