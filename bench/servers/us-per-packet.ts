/** This server as `us.ts` starts it, but its nodes publish each packet by itself instead of all of a turn at once. */
import { RoomPart } from '../../src/cluster/room/room-part.ts'

const { sentAll } = RoomPart.prototype
RoomPart.prototype.sentAll = function (...packet) {
  sentAll.apply(this, packet)
  this.flush()
}

await import('./us.ts')
