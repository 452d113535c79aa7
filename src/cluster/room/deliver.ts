import { headerLength, payloadLengthAt, payloadLengthOfFrame } from '../../protocol/websocket/frame.ts'
import type { InboxSender } from '../../core/room/server-inbox.ts'
import type { RoomCore } from '../../core/room/room-core.ts'
import { noteKind } from '../message/room-message.ts'
import type { RoomMessage } from '../message/room-message.ts'

/**
 * Delivers what another node has broadcast to a room: to its members on this node and, if the server of the room is
 * here, the packets addressed to it. `senderOf` finds a member of that node.
 */
export function deliver (
  core: RoomCore, message: RoomMessage, senderOf: (id: number) => InboxSender | undefined
): void {
  const { frames, packets, relayed, size, notes } = message
  const { outbox, members, relay } = core
  const excluded = new Map<number, number>()
  if (members.size > 0) {
    const at = outbox.sendFrames(frames, packets, size)
    core.countRelayed(relayed * members.size)
    for (const { kind, from, to, id } of notes) {
      if (kind !== noteKind.EXCEPT) continue
      excluded.set(from, id)
      const member = members.get(id)
      if (member !== undefined) outbox.excludePart(member.outbox, at + from, at + to, payloadLengthOfFrame(to - from))
    }
    if (relay.hasTextMembers) deliverInText(core, frames, excluded)
  }
  if (!core.isHome) return
  for (const { kind, from, to, id } of notes) {
    if (kind !== noteKind.FOR_SERVER) continue
    const sender = senderOf(id)
    if (sender !== undefined) relay.receiveForServer(sender, frames, to - payloadLengthOfFrame(to - from), to)
  }
}

function deliverInText (core: RoomCore, frames: Uint8Array, excluded: ReadonlyMap<number, number>): void {
  for (let at = 0; at < frames.length;) {
    const size = payloadLengthAt(frames, at)
    const end = at + headerLength(size) + size
    core.relay.receiveInText(frames, end - size, end, excluded.get(at) ?? 0)
    at = end
  }
}
