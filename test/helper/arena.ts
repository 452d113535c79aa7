import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import Fastify from 'fastify'
import { root } from '../../scripts/root.ts'
import { Arena } from '../../examples/arena/arena.ts'
import peerServer, { decodeVariant, Vector2 } from '../../index.ts'
import type { Variant, WebSocketServer } from '../../index.ts'
import { findProgram } from '../../scripts/test-programs.mjs'
import { withTimeout } from './with-timeout.ts'

/** Final state of the game on one side: tick, positions, coin, names and scores. */
export type ArenaState = readonly Variant[]

/** Result of a round of examples/arena. */
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

/** Plays a round of `seconds` with real Godot processes as players. */
export async function playArena (seconds: number, names: string[]): Promise<Round> {
  const app = Fastify()
  await app.register(peerServer, { gdMpApi: true })
  const arena = new Arena(app.peerServer)
  await app.listen({ port: 0 })
  const folder = await mkdtemp(join(tmpdir(), 'arena-'))
  const killing = new AbortController()
  try {
    const bots = names.map(name => runBot(name, app.peerServer.port, join(folder, name), killing.signal))
    arena.start()
    await whenJoined(arena, names.length)
    return await play(arena, app.peerServer, seconds, bots)
  } finally {
    killing.abort()
    arena.stop()
    await app.close()
    await rm(folder, { recursive: true, force: true })
  }
}

async function whenJoined (arena: Arena, count: number): Promise<void> {
  const deadline = performance.now() + 20000
  while (arena.players.size < count) {
    if (performance.now() > deadline) throw new Error(`only ${arena.players.size} of ${count} players joined`)
    await delay(10)
  }
}

async function play (
  arena: Arena, server: WebSocketServer, seconds: number, bots: Array<Promise<BotReport>>
): Promise<Round> {
  const [tick, before] = [arena.tick, [...server.peers()].map(({ packetsIn }) => packetsIn)]
  await delay(seconds * 1000)
  const ticks = arena.tick - tick
  const packetsIn = [...server.peers()].map(({ packetsIn }, at) => packetsIn - before[at])
  arena.stop()
  const state = stateOf(arena)
  const reports = await withTimeout(20, () => 'the players to leave', Promise.all(bots))
  const faults = server.monitor.failures + Object.values(server.monitor.drops).reduce((sum, count) => sum + count)
  return { server: state, bots: reports, ticks, packetsIn, faults }
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
async function runBot (name: string, port: number, home: string, signal: AbortSignal): Promise<BotReport> {
  // Godot 3.2.3 reports an error when it creates this folder, although it succeeds.
  await mkdir(join(home, '.local/share/godot/app_userdata/Arena'), { recursive: true })
  const project = join(root, 'examples/arena/godot')
  const godot = spawn(findProgram('godot3-server')!, [
    '--no-window', '--path', project, `--server=ws://127.0.0.1:${port}/ws`, `--name=${name}`, '--bot'
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
