import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import Fastify from 'fastify'
import { root } from '../../../scripts/root.ts'
import { Arena } from '../../../examples/arena/arena.ts'
import peerServer, { decodeVariant, Vector2 } from '../../../index.ts'
import type { Room, Variant, WebSocketServer } from '../../../index.ts'
import { findProgram } from '../../../scripts/test/test-programs.mjs'
import { withTimeout } from '../with-timeout.ts'

/** Final state of the game on one side: tick, positions, coin, names and scores. */
export type ArenaState = readonly Variant[]

/** Result of a match of examples/arena. */
export interface Round {
  server: ArenaState
  bots: BotReport[]
  /** Ticks while all players were connected. */
  ticks: number
  /** Packets received from each player in that time. */
  packetsIn: number[]
  /** Number of dropped packets and failed handlers. */
  faults: number
}

/** Final state of a bot, and all other output. */
export interface BotReport { state: ArenaState | undefined, lines: string[] }

/**
 * Plays a match in each room at the same time, for `seconds`, with real Godot processes as players: their names by the
 * room that they choose.
 */
export async function playArena (seconds: number, matches: Record<string, string[]>): Promise<Record<string, Round>> {
  const app = Fastify()
  await app.register(peerServer, { gdMpApi: true, rooms: true })
  const arenas = new Map<string, Arena>()
  app.peerServer.on('room_opened', room => arenas.set(room.name, new Arena(room)))
  await app.listen({ port: 0 })
  const folder = await mkdtemp(join(tmpdir(), 'arena-'))
  const killing = new AbortController()
  try {
    const playing = Object.entries(matches).map(([room, names]) => ({
      room, bots: names.map(name => runBot(name, room, app.peerServer.port, join(folder, name), killing.signal))
    }))
    await whenJoined(arenas, matches)
    const faults = (): number => faultsOf(app.peerServer)
    return Object.fromEntries(await Promise.all(playing.map(async ({ room, bots }) =>
      [room, await play(arenas.get(room)!, app.peerServer.room(room), seconds, bots, faults)])))
  } finally {
    killing.abort()
    await app.close()
    await rm(folder, { recursive: true, force: true })
  }
}

async function whenJoined (arenas: Map<string, Arena>, matches: Record<string, string[]>): Promise<void> {
  const deadline = performance.now() + 60_000
  const isMissing = ([room, names]: [string, string[]]): boolean =>
    (arenas.get(room)?.players.size ?? 0) < names.length
  while (Object.entries(matches).some(isMissing)) {
    if (performance.now() > deadline) throw new Error(`only rooms ${[...arenas.keys()]} after 60 s`)
    await delay(10)
  }
}

async function play (
  arena: Arena, room: Room, seconds: number, bots: Array<Promise<BotReport>>, faults: () => number
): Promise<Round> {
  const [tick, before] = [arena.tick, [...room.peers()].map(({ packetsIn }) => packetsIn)]
  await delay(seconds * 1000)
  const ticks = arena.tick - tick
  const packetsIn = [...room.peers()].map(({ packetsIn }, at) => packetsIn - before[at])
  arena.stop()
  const state = stateOf(arena)
  const reports = await withTimeout(() => 'the players to leave', Promise.all(bots))
  return { server: state, bots: reports, ticks, packetsIn, faults: faults() }
}

function faultsOf ({ monitor }: WebSocketServer): number {
  return monitor.failures + Object.values(monitor.drops).reduce((sum, count) => sum + count)
}

function stateOf ({ tick, players, coin, scores }: Arena): ArenaState {
  const positions = [...players].map(([id, { position }]) => [id, asSent(position)] as const)
  return [tick, new Map(positions), asSent(coin), scores]
}

/** A vector as received: with 32-bit floats. */
function asSent ({ x, y }: Vector2): Vector2 {
  return new Vector2(Math.fround(x), Math.fround(y))
}

/** Runs one player; resolves when its process has exited. */
async function runBot (
  name: string, room: string, port: number, home: string, signal: AbortSignal
): Promise<BotReport> {
  // Godot 3.2.3 reports an error when it creates this folder, although it succeeds.
  await mkdir(join(home, '.local/share/godot/app_userdata/Arena'), { recursive: true })
  const project = join(root, 'examples/arena/godot')
  const godot = spawn(findProgram('godot3-server')!, [
    '--no-window', '--path', project, `--server=ws://127.0.0.1:${port}/ws/${room}`, `--name=${name}`, '--bot'
  ], {
    env: { ...process.env, HOME: home, LANG: 'en_US.UTF-8' },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  signal.addEventListener('abort', () => godot.kill('SIGKILL'))
  const lines: string[] = []
  for (const stream of [godot.stdout, godot.stderr]) {
    createInterface({ input: stream }).on('line', line => lines.push(line))
  }
  await once(godot, 'close')
  const stateLine = lines.find(line => line.startsWith('STATE '))
  const state = stateLine === undefined
    ? undefined
    : decodeVariant(Buffer.from(stateLine.slice(6), 'base64'), {
      exactFloats: false
    }) as ArenaState
  const otherLines = lines.filter(line => line !== stateLine && line.trim() !== '' && !line.startsWith('Godot Engine'))
  return { state, lines: otherLines }
}
