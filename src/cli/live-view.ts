import { ApiError, type ClientEvent, type PeerServerClient } from '../client/client.ts'
import type { Node, Operations, State } from '../client/operations.ts'
import type { CommandContext, CommandLine } from './command.ts'
import { ifFound, nodeOf } from './commands/status.ts'
import { eventLine } from './event-line.ts'
import { followEvents } from './follow-events.ts'
import { coloured, plain, renderScreen, sortFields, sortOrder, type Theme } from './screen.ts'
import { WatchState } from './watch-state.ts'

/** Milliseconds between two requests for the peers. */
const REFRESH_INTERVAL = 2000
/** Milliseconds between two frames. */
const FRAME_INTERVAL = 50

/** Switches to the alternate screen without cursor and line wrap, and back. */
const ENTER = '\u001B[?1049h\u001B[?25l\u001B[?7l'
const LEAVE = '\u001B[?7h\u001B[?25h\u001B[?1049l'

/** Keys that send an escape sequence, such as arrows. */
const escapeSequences = /\u001B(\[[\d;]*[@-~]|O.|.)?/g // oxlint-disable-line no-control-regex

/** Live view of a server in a terminal. */
export class LiveView {
  readonly #client: PeerServerClient
  readonly #line: CommandLine
  readonly #state: WatchState
  readonly #theme: Theme
  readonly #quit = new AbortController()
  #isDrawing = false
  /** Ends the requests in flight. */
  #refreshing: AbortController | undefined

  constructor ({ client, url, line }: CommandContext, what: { sort: string, room: string | undefined }) {
    this.#client = client
    this.#line = line
    this.#state = new WatchState(url, what.sort, what.room)
    this.#theme = line.output.hasColors(16, line.env) ? coloured : plain
  }

  /** Runs until the user quits or the signal is aborted; rejects with ApiError when the service rejects the request. */
  async run (signal: AbortSignal): Promise<void> {
    const quit = AbortSignal.any([signal, this.#quit.signal])
    const timer = setInterval(() => { this.#refresh() }, REFRESH_INTERVAL)
    const restore = this.#takeTerminal()
    try {
      this.#refresh()
      const { room } = this.#state
      const onLost = (reason: string): void => { this.#lost(reason) }
      for await (const event of followEvents(this.#client, { room, signal: quit, onLost })) this.#receive(event)
    } finally {
      this.#quit.abort()
      // A service that does not respond must not keep the process.
      this.#refreshing?.abort()
      clearInterval(timer)
      restore()
    }
  }

  /** Sets up the terminal; returns a function that restores it. */
  #takeTerminal (): () => void {
    const { input, output } = this.#line
    const onResize = (): void => { this.#draw(true) }
    const onKeys = (keys: Buffer): void => { this.#press(keys.toString()) }
    output.on('resize', onResize).write(ENTER)
    if (input.isTTY) input.setRawMode(true).on('data', onKeys)
    return () => {
      if (input.isTTY) input.off('data', onKeys).setRawMode(false).pause()
      output.off('resize', onResize).write(LEAVE)
    }
  }

  #press (keys: string): void {
    const state = this.#state
    for (const key of keys.replace(escapeSequences, '')) {
      if (key === 'q' || key === '\u0003') this.#quit.abort()
      else if (key === 'p') state.isPaused = !state.isPaused
      else if (key === 's') state.sort = sortFields[(sortFields.indexOf(state.sort) + 1) % sortFields.length]
    }
    this.#refresh()
    this.#draw(true)
  }

  #lost (reason: string): void {
    this.#state.connectionLost(reason)
    this.#draw()
  }

  #receive (event: ClientEvent): void {
    const state = this.#state
    state.connected()
    if (event.type === 'stats') state.updateStats(event)
    else if (event.type !== 'open') state.addEvent(eventLine(event))
    this.#draw()
  }

  /** The size of the terminal; some terminals do not report it. */
  get #size (): { columns: number, rows: number } {
    const { columns, rows } = this.#line.output
    return { columns: columns || 80, rows: rows || 24 }
  }

  /** Requests server state and peers, unless a request is in flight. */
  #refresh (): void {
    if (this.#refreshing !== undefined || this.#quit.signal.aborted) return
    const { signal } = this.#refreshing = new AbortController()
    this.#load(signal)
      // An ApiError is reported by the event stream as well.
      .catch(error => {
        if (!(error instanceof ApiError) && !signal.aborted) this.#lost('no response from the service')
      })
      .finally(() => { this.#refreshing = undefined })
  }

  async #load (signal: AbortSignal): Promise<void> {
    const sort = this.#state.sort as Operations['peers']['parameters']['sort'] & string
    const { room } = this.#state
    const query = { limit: this.#size.rows, sort, order: sortOrder(sort), ...(room === undefined ? {} : { room }) }
    const [[server, node], { items }, members] = await Promise.all([
      this.#loadServer(signal),
      this.#client.call('peers', query, undefined, { signal }),
      this.#countMembers(signal)
    ])
    Object.assign(this.#state, { server, node, peers: items, members })
    this.#draw()
  }

  async #loadServer (signal: AbortSignal): Promise<[State, Node | undefined]> {
    const server = await this.#client.call('getServer', {}, undefined, { signal })
    return [server, await nodeOf(this.#client, server, signal)]
  }

  /** Number of peers in the room that is shown, 0 while there is no such room. */
  async #countMembers (signal: AbortSignal): Promise<number | undefined> {
    const { room } = this.#state
    if (room === undefined) return undefined
    return (await ifFound(this.#client.call('getRoom', { room }, undefined, { signal })))?.peers ?? 0
  }

  /** Schedules a frame, unless one is scheduled already; while the view is paused, only when `force` is set. */
  #draw (force: boolean = false): void {
    if (this.#isDrawing || (this.#state.isPaused && !force)) return
    this.#isDrawing = true
    setTimeout(() => {
      this.#isDrawing = false
      if (this.#quit.signal.aborted) return
      const { columns, rows } = this.#size
      const lines = renderScreen(this.#state, columns, rows, this.#theme)
      this.#line.output.write(`\u001B[H${lines.map(line => `${line}\u001B[K`).join('\r\n')}\u001B[J`)
    }, FRAME_INTERVAL)
  }
}
