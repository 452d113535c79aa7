import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { inspect } from 'node:util'
import type { Test } from 'tap'
import { root } from '../../../scripts/root.ts'
import { findProgram } from '../../../scripts/test/test-programs.mjs'
import { withTimeout } from '../with-timeout.ts'
import { temporaryFolder } from '../temporary-folder.ts'
import { until } from '../until.ts'

/** An event that a script reports: its name and details; `bytes` is a Buffer. */
export interface GodotEvent { event: string, [detail: string]: any }

type Match = (event: GodotEvent) => boolean

/** Starts test/godot/`script`.gd in a real Godot 3 without a window; the test ends it. */
export async function startGodot (t: Test, script: string): Promise<GodotClient> {
  const home = temporaryFolder(t)
  const control = createServer().listen(0, '127.0.0.1')
  await once(control, 'listening')
  const godot = spawnGodot(script, home, control)
  const client = new GodotClient(godot)
  t.teardown(async () => {
    await client.kill()
    control.close()
  })
  const [socket] = await withTimeout(() => `${script} to start; ${client.report()}`, once(control, 'connection'))
  client.attach(socket as Socket)
  return client
}

/** Lets a script connect to the multiplayer server at /ws; returns its id. */
export async function joinServer (game: GodotClient, port: number): Promise<number> {
  await game.run('connect', { url: `ws://127.0.0.1:${port}/ws` })
  await game.event('connected_to_server')
  return (await game.run('state')).id
}

function spawnGodot (script: string, home: string, control: Server): ChildProcess {
  const file = join(root, 'test/godot', `${script}.gd`)
  const { port } = control.address() as AddressInfo
  return spawn(findProgram('godot3-server')!, ['--no-window', '-s', file, `--control=${port}`], {
    cwd: home,
    env: { ...process.env, HOME: home, LANG: 'en_US.UTF-8' },
    stdio: ['ignore', 'pipe', 'pipe']
  })
}

/** A Godot process that runs a script of test/godot, takes commands and reports events. */
export class GodotClient {
  /** All events so far. */
  readonly events: GodotEvent[] = []
  /** Lines of stderr. */
  readonly errors: string[] = []
  /** Lines of stdout. */
  readonly output: string[] = []
  readonly exited: Promise<unknown>

  readonly #process: ChildProcess
  readonly #unread: GodotEvent[] = []
  readonly #waiting: Array<{ match: Match, resolve: (event: GodotEvent) => void }> = []
  #control!: Socket

  constructor (process: ChildProcess) {
    this.#process = process
    this.exited = once(process, 'exit')
    createInterface({ input: process.stderr! }).on('line', line => this.errors.push(line))
    createInterface({ input: process.stdout! }).on('line', line => this.output.push(line))
  }

  /** Uses the control connection that the script has opened. */
  attach (control: Socket) {
    this.#control = control
    control.setNoDelay(true)
    // A killed process resets the connection; `exited` handles that.
    control.on('error', () => {})
    createInterface({ input: control }).on('line', line => this.#addEvent(JSON.parse(line, revive)))
  }

  /** Runs a command (`run_<name>` of the script) and resolves with its result. */
  async run (name: string, parameters: Record<string, unknown> = {}): Promise<any> {
    this.#control.write(JSON.stringify({ run: name, ...parameters }, replace) + '\n')
    return (await this.event('answer')).result
  }

  /** The first matching event of this name that was not returned before; waits for at most 20 s. */
  async event (name: string, matches: Match = () => true): Promise<GodotEvent> {
    const match: Match = event => event.event === name && matches(event)
    const at = this.#unread.findIndex(match)
    if (at >= 0) return this.#unread.splice(at, 1)[0]
    const nextEvent = new Promise<GodotEvent>(resolve => this.#waiting.push({ match, resolve }))
    return await withTimeout(() => `event ${name}; ${this.report()}`, nextEvent)
  }

  /** All events with one of these names so far. */
  eventsOf (...names: string[]): GodotEvent[] {
    return this.events.filter(({ event }) => names.includes(event))
  }

  /** The lines of stderr, once there are at least `count`: they come through another pipe than events, maybe later. */
  async errorLines (count: number): Promise<string[]> {
    await until(() => this.errors.length >= count, () => `${count} lines of stderr; ${this.report()}`)
    return this.errors
  }

  /** Quits as if the player closed the window: the process exits without a close handshake. */
  async quit (): Promise<void> {
    this.#control.write('{"run":"quit"}\n')
    await withTimeout(() => `end of the process; ${this.report()}`, this.exited)
  }

  /** Kills the process and waits until it has exited. */
  async kill (): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.exited
    this.#control?.destroy()
  }

  /** Recent events and errors, for failure messages. */
  report (): string {
    return [...this.events.map(event => inspect(event)), ...this.errors].slice(-30).join('\n')
  }

  #addEvent (event: GodotEvent) {
    this.events.push(event)
    const at = this.#waiting.findIndex(({ match }) => match(event))
    if (at < 0) this.#unread.push(event)
    else this.#waiting.splice(at, 1)[0].resolve(event)
  }
}

function revive (key: string, value: unknown) {
  return key === 'bytes' ? Buffer.from(value as string, 'base64') : value
}

function replace (this: Record<string, unknown>, key: string, value: unknown) {
  const bytes = this[key]
  return bytes instanceof Uint8Array ? Buffer.from(bytes).toString('base64') : value
}
