import type { GodotClient, GodotEvent } from './godot.ts'
import type { Talker } from './room-talk.ts'

/** Connects a game; returns its id. */
export async function enter (game: GodotClient, url: string): Promise<number> {
  await game.run('connect', { url })
  await game.event('connected_to_server')
  return (await game.run('state')).id
}

/** Waits until a game sees these peers. */
export async function sees (game: GodotClient, ...ids: number[]): Promise<void> {
  for (const id of ids) await game.event('network_peer_connected', event => event.id === id)
}

/** Waits until a game has got these bytes of somebody. */
export async function hears (game: GodotClient, source: number, text: string): Promise<void> {
  await game.event('network_peer_packet', event => event.source === source && event.bytes.toString() === text)
}

/** Sends bytes to a target: 0 all, an id, -id all but that one. */
export async function send (game: GodotClient, target: number, text: string): Promise<void> {
  await game.run('send_bytes', { target, bytes: Buffer.from(text) })
}

/** Calls `on_remote` on `/root/Main`. */
export async function call (game: GodotClient, target: number, text: string): Promise<void> {
  await game.run('rpc', { target, method: 'on_remote', args: [`"${text}"`] })
}

const texts: Record<string, (event: GodotEvent) => string> = {
  network_peer_packet: ({ bytes }) => bytes.toString(),
  rpc: ({ args: [text] }) => `call: ${JSON.parse(text)}`
}

/** A game in a room, with its id. */
export function talkerOf (game: GodotClient, id: number): Talker {
  return {
    id,
    send: async (target, text) => { await send(game, target, text) },
    call: async (target, text) => { await call(game, target, text) },
    hear: async (source, text) => { await hears(game, source, text) },
    heard: () => game.eventsOf(...Object.keys(texts))
      .map(event => ({ source: event.source, text: texts[event.event](event) }))
  }
}
