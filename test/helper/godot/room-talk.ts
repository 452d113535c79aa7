import type { Test } from 'tap'
import type { Room, WebSocketServer } from '../../../index.ts'

/** What came from somebody: bytes as text, or a remote call with its argument. */
export interface Heard { readonly source: number, readonly text: string }

/** A client in a room, of either version of Godot. */
export interface Talker {
  readonly id: number
  /** Sends bytes to a target: 0 all, an id, -id all but that one. */
  send (target: number, text: string): Promise<void>
  /** Calls `on_remote` on `/root/Main`. */
  call (target: number, text: string): Promise<void>
  /** Waits for these bytes of somebody. */
  hear (source: number, text: string): Promise<void>
  /** Everything that it has heard. */
  heard (): Heard[]
}

/** A server, or a cluster of them: a room is that of its home, drops are summed up. */
export interface TalkServer {
  room (name: string): Room
  readonly monitor: { readonly drops: Readonly<Record<string, number>> }
}

/** What the server hears in each room, added to `heard`. */
export function listenInRooms (
  server: WebSocketServer, mode: 'remote' | 'any_peer', heard = new Map<string, Heard[]>()
): Map<string, Heard[]> {
  server.on('room_opened', room => {
    const here: Heard[] = []
    heard.set(room.name, here)
    room.multiplayer.on('network_peer_packet', (source, bytes) => {
      here.push({ source, text: Buffer.from(bytes).toString() })
    })
    room.multiplayer.node('/root/Main', { on_remote: [String] }).method(mode, 'on_remote', (source, text) => {
      here.push({ source, text: `call: ${text}` })
    })
  })
  return heard
}

/**
 * Everybody sends to all kinds of targets, also to a client of another room, and calls. Checks that everybody, and the
 * server in each room, has heard exactly what was for him.
 */
export async function talkInRooms (
  t: Test, server: TalkServer, rooms: ReadonlyMap<string, readonly Talker[]>, atServer: Map<string, Heard[]>
): Promise<void> {
  const names = [...rooms.keys()]
  const strangerOf = (name: string): number => rooms.get(names[(names.indexOf(name) + 1) % names.length])![0].id
  await Promise.all([...rooms].flatMap(([name, talkers]) =>
    talkers.map(talker => talk(talker, matesOf(talker, talkers), strangerOf(name), name))))
  for (const [name, talkers] of rooms) await hearTheEnd(server.room(name), talkers)

  for (const [name, talkers] of rooms) {
    for (const listener of talkers) {
      const from = talkers.filter(one => one !== listener)
      t.same(bySource(listener.heard()), Object.fromEntries([
        [1, ['goodbye']], ...from.map(one => [one.id, textsFor(listener, one, matesOf(one, talkers), name)])
      ]), `${listener.id} in ${name}`)
    }
    t.same(bySource(atServer.get(name)!), Object.fromEntries(talkers.map(({ id }) => [id, [
      'to all', 'to all but one', 'to the server', 'call: to all', 'end'
    ].map(text => `${text} ${name} ${id}`)])), `the server in ${name}`)
  }
  const count = [...rooms.values()].flat().length
  t.match(server.monitor.drops, { 'unknown-target': count })
  t.equal(Object.values(server.monitor.drops).reduce((sum, drops) => sum + drops), count, 'nothing else was dropped')
}

async function hearTheEnd (room: Room, talkers: readonly Talker[]): Promise<void> {
  for (const listener of talkers) {
    for (const { id } of talkers) if (id !== listener.id) await listener.hear(id, `end ${room.name} ${id}`)
  }
  room.multiplayer.sendBytes(Buffer.from('goodbye'))
  for (const listener of talkers) await listener.hear(1, 'goodbye')
}

/** The others in the room: the next one first. */
function matesOf (talker: Talker, talkers: readonly Talker[]): number[] {
  const at = talkers.indexOf(talker)
  return [...talkers.slice(at + 1), ...talkers.slice(0, at)].map(({ id }) => id)
}

async function talk (talker: Talker, [mate]: number[], stranger: number, room: string): Promise<void> {
  const send = async (target: number, text: string): Promise<void> =>
    await talker.send(target, `${text} ${room} ${talker.id}`)
  const call = async (target: number, text: string): Promise<void> =>
    await talker.call(target, `${text} ${room} ${talker.id}`)
  await send(0, 'to all')
  await send(mate, 'to one')
  await send(-mate, 'to all but one')
  await send(1, 'to the server')
  await send(-1, 'to all but the server')
  await send(stranger, 'to a stranger')
  await call(0, 'to all')
  await call(mate, 'to one')
  await send(0, 'end')
}

/** What a listener hears of one of the room. */
function textsFor (listener: Talker, { id }: Talker, [mate]: number[], room: string): string[] {
  const isMate = listener.id === mate
  const texts = isMate
    ? ['to all', 'to one', 'to all but the server', 'call: to all', 'call: to one', 'end']
    : ['to all', 'to all but one', 'to all but the server', 'call: to all', 'end']
  return texts.map(text => `${text} ${room} ${id}`)
}

function bySource (heard: readonly Heard[]): Record<number, string[]> {
  const texts: Record<number, string[]> = {}
  for (const { source, text } of heard) (texts[source] ??= []).push(text)
  return texts
}
