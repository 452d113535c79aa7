import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Test } from 'tap'
import { temporaryFolder } from '../temporary-folder.ts'
import { until } from '../until.ts'

const run = promisify(execFile)
const configuration = 'set -g status off\nset -g default-terminal tmux-256color\n'

/** A shell in a terminal of tmux, which draws what the shell's programs write. */
export class Terminal {
  readonly #socket: string
  readonly #env: Readonly<Record<string, string>>

  private constructor (socket: string, env: Readonly<Record<string, string>>) {
    this.#socket = socket
    this.#env = env
  }

  /** Opens a terminal of this size; the test closes it. */
  static async open (
    t: Test, shell: string, columns: number, rows: number, env: Readonly<Record<string, string>> = {}
  ): Promise<Terminal> {
    const folder = temporaryFolder(t, { 'tmux.conf': configuration })
    const { PATH = '' } = process.env
    const terminal = new Terminal(join(folder, 'socket'), {
      PATH, HOME: folder, LANG: 'C.UTF-8', TERM: 'xterm-256color', ...env
    })
    t.teardown(async () => { await terminal.#tmux('kill-server').catch(() => {}) })
    await terminal.#tmux('-f', join(folder, 'tmux.conf'),
      'new-session', '-d', '-x', String(columns), '-y', String(rows), shell)
    return terminal
  }

  /** What the terminal shows, a text for each row; with the escape sequences of colours if `styled`. */
  async rows ({ styled = false } = {}): Promise<string[]> {
    const text = await this.#tmux('capture-pane', '-p', ...(styled ? ['-e'] : []))
    return text.replace(/\n$/, '').split('\n')
  }

  /** Waits until the terminal shows a text. */
  async shows (pattern: RegExp): Promise<void> {
    let text = ''
    await until(async () => {
      text = (await this.rows()).join('\n')
      return pattern.test(text)
    }, () => `${String(pattern)} in\n${text}`)
  }

  /** Types a text. */
  async type (text: string): Promise<void> {
    await this.#tmux('send-keys', '-l', text)
  }

  /** Presses keys by their names, such as `Enter`, `C-c` or `Tab`. */
  async press (...keys: string[]): Promise<void> {
    await this.#tmux('send-keys', ...keys)
  }

  async resize (columns: number, rows: number): Promise<void> {
    await this.#tmux('resize-window', '-x', String(columns), '-y', String(rows))
  }

  /** Whether the screen of a full-screen program is shown, and whether there is a cursor. */
  async state (): Promise<{ isAlternate: boolean, hasCursor: boolean }> {
    const flags = await this.#tmux('display-message', '-p', '#{alternate_on} #{cursor_flag}')
    const [isAlternate, hasCursor] = flags.trim().split(' ').map(flag => flag === '1')
    return { isAlternate, hasCursor }
  }

  async #tmux (...args: string[]): Promise<string> {
    return (await run('tmux', ['-u', '-S', this.#socket, ...args], { env: this.#env })).stdout
  }
}
