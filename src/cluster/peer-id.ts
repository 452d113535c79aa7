/** Ids of peers in a cluster: 10 bits of the slot of their node, then 21 bits that the node counts. */
const LOCAL_BITS = 21

/** Number of ids of one slot. */
export const LOCAL_IDS = 1 << LOCAL_BITS

/** Slot of the node that a peer is connected to. */
export function slotOfId (id: number): number {
  return id >>> LOCAL_BITS
}
