import type { RoomClient } from './room-client.ts'

/** A client, and what the model says that it has to hear. */
export interface Player { readonly client: RoomClient, room: string, expected: string[] }

/** What must happen to the members of rooms, in plain maps and lists. */
export class RoomModel {
  readonly players = new Map<number, Player>()
  /** What the server's part of each room has to hear: `room source`. */
  readonly toServer: string[] = []

  /** Members of a room by ascending id. */
  membersOf (room: string): number[] {
    return [...this.players].filter(([, player]) => player.room === room).map(([id]) => id).sort((a, b) => a - b)
  }

  joined (id: number, player: Player): void {
    player.expected.push(`id ${id}`, 'add 1')
    this.enter(id, player)
    this.players.set(id, player)
  }

  enter (id: number, player: Player): void {
    for (const other of this.membersOf(player.room).filter(other => other !== id)) {
      this.players.get(other)!.expected.push(`add ${id}`)
      player.expected.push(`add ${other}`)
    }
  }

  left (id: number): void {
    const { room } = this.players.get(id)!
    this.players.delete(id)
    for (const other of this.membersOf(room)) this.players.get(other)!.expected.push(`del ${id}`)
  }

  moved (id: number, to: string): void {
    const player = this.players.get(id)!
    if (player.room === to) return
    for (const other of this.membersOf(player.room).filter(other => other !== id)) {
      this.players.get(other)!.expected.push(`del ${id}`)
      player.expected.push(`del ${other}`)
    }
    player.room = to
    this.enter(id, player)
  }

  sent (id: number, target: number, text: string): void {
    const { room } = this.players.get(id)!
    const others = this.membersOf(room).filter(other => other !== id)
    const receivers = target > 1
      ? others.filter(other => other === target)
      : target === 1 ? [] : others.filter(other => other !== -target)
    for (const other of receivers) this.players.get(other)!.expected.push(`${id}: ${text}`)
    if (target === 1 || target === 0 || target < -1) this.toServer.push(`${room} ${id}`)
  }
}
