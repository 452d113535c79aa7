import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { createServer, type AddressInfo, type Server, type Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { inspect } from 'node:util'
import type { Test } from 'tap'
import { root } from '../../scripts/root.ts'
import { findProgram } from '../../scripts/test-programs.mjs'
import { withTimeout } from './with-timeout.ts'

/** What a script reports: the name of the event and its details; `bytes` arrive as a Buffer. */
export interface GodotEvent { event: string, [detail: string]: any }

type Match = (event: GodotEvent) => boolean

/** Starts test/godot/`script`.gd in a real Godot 3 without window; it ends with the test. */
export async function startGodot (t: Test, script: string): Promise<GodotClient> {
  const home = await mkdtemp(join(tmpdir(), 'godot-'))
  const control = createServer().listen(0, '127.0.0.1')
  await once(control, 'listening')
  const godot = spawnGodot(script, home, control)
  const client = new GodotClient(godot)
  t.teardown(async () => {
    await client.kill()
    control.close()
    await rm(home, { recursive: true, force: true })
  })
  const [socket] = await withTimeout(20, () => `${script} to start; ${client.report()}`, once(control, 'connection'))
  client.attach(socket as Socket)
  return client
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

/** A Godot process that runs a script of test/godot: commands go in, events come out. */
export class GodotClient {
  /** Everything that happened so far, in order. */
  readonly events: GodotEvent[] = []
  /** What Godot printed: to its error output, and to the other. */
  readonly errors: string[] = []
  readonly output: string[] = []
  readonly exited: Promise<unknown>

  readonly #process: ChildProcess
  readonly #unseen: GodotEvent[] = []
  readonly #waiting: Array<{ match: Match, found: (event: GodotEvent) => void }> = []
  #control!: Socket

  constructor (process: ChildProcess) {
    this.#process = process
    this.exited = once(process, 'exit')
    createInterface({ input: process.stderr! }).on('line', line => this.errors.push(line))
    createInterface({ input: process.stdout! }).on('line', line => this.output.push(line))
  }

  /** Takes the connection that the script opened to us. */
  attach (control: Socket) {
    this.#control = control
    control.setNoDelay(true)
    // A killed process resets it: its end is seen by `exited`.
    control.on('error', () => {})
    createInterface({ input: control }).on('line', line => this.#happened(JSON.parse(line, revive)))
  }

  /** Runs a command of the script (`run_<name>` there) and resolves with what it returned. */
  async run (name: string, given: Record<string, unknown> = {}): Promise<any> {
    this.#control.write(JSON.stringify({ run: name, ...given }, replace) + '\n')
    return (await this.event('answer')).result
  }

  /** The first event of this name that matches and was not handed out before; waits for it for at most 20 s. */
  async event (name: string, matches: Match = () => true): Promise<GodotEvent> {
    const match: Match = event => event.event === name && matches(event)
    const at = this.#unseen.findIndex(match)
    if (at >= 0) return this.#unseen.splice(at, 1)[0]
    const happens = new Promise<GodotEvent>(resolve => this.#waiting.push({ match, found: resolve }))
    return await withTimeout(20, () => `event ${name}; ${this.report()}`, happens)
  }

  /** All events of one of these names so far, answers and others left out. */
  eventsOf (...names: string[]): GodotEvent[] {
    return this.events.filter(({ event }) => names.includes(event))
  }

  /** Leaves the way a player does who closes the window: the process ends, the connection just breaks off. */
  async quit (): Promise<void> {
    this.#control.write('{"run":"quit"}\n')
    await withTimeout(20, () => `end of the process; ${this.report()}`, this.exited)
  }

  /** SIGKILL, and the process is gone. */
  async kill (): Promise<void> {
    this.#process.kill('SIGKILL')
    await this.exited
    this.#control?.destroy()
  }

  /** What is known of this process, for the message of a failure. */
  report (): string {
    return [...this.events.map(event => inspect(event)), ...this.errors].slice(-30).join('\n')
  }

  #happened (event: GodotEvent) {
    this.events.push(event)
    const at = this.#waiting.findIndex(({ match }) => match(event))
    if (at < 0) this.#unseen.push(event)
    else this.#waiting.splice(at, 1)[0].found(event)
  }
}

function revive (key: string, value: unknown) {
  return key === 'bytes' ? Buffer.from(value as string, 'base64') : value
}

function replace (this: Record<string, unknown>, key: string, value: unknown) {
  const bytes = this[key]
  return bytes instanceof Uint8Array ? Buffer.from(bytes).toString('base64') : value
}
