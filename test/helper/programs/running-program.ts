import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'
import { root } from '../../../scripts/root.ts'
import { findProgram } from '../../../scripts/test/test-programs.mjs'
import { temporaryFolder } from '../temporary-folder.ts'
import { until } from '../until.ts'

/** A program whose output is waited for; the test ends it and what it has started. */
export class RunningProgram {
  /** What it has written so far, to stdout and stderr. */
  readonly lines: string[] = []
  readonly #process: ChildProcess
  /** Resolves with its exit code, or null and the signal that ended it. */
  readonly exited: Promise<unknown>

  constructor (t: Test, command: string, args: readonly string[], env: Record<string, string> = {}) {
    // A group of its own, so that nothing that a shell has started outlives the test.
    this.#process = spawn(command, args, {
      cwd: root, env: { ...process.env, ...env }, detached: true, stdio: ['ignore', 'pipe', 'pipe']
    })
    this.exited = once(this.#process, 'close')
    for (const stream of [this.#process.stdout!, this.#process.stderr!]) {
      createInterface(stream).on('line', line => { this.lines.push(line) })
    }
    t.teardown(async () => { await this.kill() })
  }

  /** Waits for a line that matches, and returns the match. */
  async until (pattern: RegExp): Promise<RegExpExecArray> {
    const find = (): RegExpExecArray | null =>
      pattern.exec(this.lines.find(line => pattern.test(line)) ?? '')
    const output = (): string => this.lines.join('\n')
    await until(() => find() !== null || this.#hasEnded, () => `${pattern} in\n${output()}`)
    const found = find()
    if (found === null) throw new Error(`ended without ${pattern}:\n${output()}`)
    return found
  }

  /** Ends it alone, not what it has started. */
  async stop (): Promise<void> {
    this.#process.kill('SIGTERM')
    await this.exited
  }

  async kill (signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    try { process.kill(-this.#process.pid!, signal) } catch { /* It has ended by itself. */ }
    await this.exited
  }

  get #hasEnded (): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null
  }
}

/** Starts an example with the first command of its README, and these arguments. */
export function startExample (t: Test, name: string, ...args: Array<string | number>): RunningProgram {
  const readme = readFileSync(join(root, 'examples', name, 'README.md'), 'utf8')
  const [, command] = /^```sh\n([^#\n]+)/m.exec(readme)!
  return new RunningProgram(t, 'bash', ['-c', `exec ${command} ${args.join(' ')}`])
}

/** Starts a real Godot 3 with a project, without a window. */
export function startGodotProject (t: Test, folder: string, ...args: string[]): RunningProgram {
  const [, name] = /^config\/name="(.*)"$/m.exec(readFileSync(join(folder, 'project.godot'), 'utf8'))!
  const home = temporaryFolder(t)
  // Godot 3.2.3 reports an error when it creates this folder, although it succeeds.
  mkdirSync(join(home, '.local/share/godot/app_userdata', name), { recursive: true })
  const all = ['--no-window', '--path', folder, ...args]
  return new RunningProgram(t, findProgram('godot3-server')!, all, { HOME: home, LANG: 'en_US.UTF-8' })
}
