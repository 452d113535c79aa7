/** The right to a slot: `epoch` distinguishes successive holders. */
export interface Lease { readonly slot: number, readonly epoch: number }

/** Whether two leases are the same one. */
export function isSame (one: Lease, other: Lease): boolean {
  return one.slot === other.slot && one.epoch === other.epoch
}
