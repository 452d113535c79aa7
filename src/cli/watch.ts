import { ApiError, type ClientEvent, type PeerServerClient } from '../client/client.ts'
import type { Operations } from '../client/operations.ts'
import type { FeedData } from '../core/feed-event.ts'
import { colours, describeEvent, draw, noColours, type Scene, sorts } from './screen.ts'

const REFRESH = 2000
const KEPT = 200
const AGAIN = 1000
const descending = new Set(['connectedAt', 'bytesIn', 'bytesOut', 'bufferedAmount'])
const types = 'client_connected,client_close_request,client_disconnected,peer_connected,peer_disconnected,refused,limited,dropped,listening,stopped,admin,stats'

/** Where `watch` reads keys from and draws to. */
export interface Terminal { readonly input: NodeJS.ReadStream, readonly output: NodeJS.WriteStream }

/** Shows the server live until `q` or Ctrl-C; where the output is no terminal, a line for each event. */
export async function watch (client: PeerServerClient, url: string, sort: string, { input, output }: Terminal, signal: AbortSignal): Promise<void> {
  if (output.isTTY) await new Watch(client, url, sort, { input, output }).run(signal)
  else for await (const event of follow(client, signal)) if (event.type !== 'stats' && event.type !== 'open') output.write(`${'at' in event ? event.at : ''} ${describeEvent(event).text}\n`)
}

/** The events for ever; after a break from where it was. What is refused ends it. */
async function * follow (client: PeerServerClient, signal: AbortSignal, onTrouble: (trouble: string) => void = () => {}): AsyncGenerator<ClientEvent> {
  let lastId = ''
  while (!signal.aborted) {
    try {
      for await (const { id, event } of client.events({ types }, lastId, signal)) {
        lastId = id ?? lastId
        yield event
      }
      onTrouble('the service ended the stream')
    } catch (error) {
      if (signal.aborted) return
      if (error instanceof ApiError && error.status !== 503) throw error
      onTrouble('the service does not answer')
    }
    await new Promise(resolve => setTimeout(resolve, AGAIN))
  }
}

class Watch {
  readonly #client: PeerServerClient
  readonly #terminal: Terminal
  readonly #scene: Scene
  readonly #over = new AbortController()
  #lastStats: (FeedData['stats'] & { at: string }) | undefined
  #isDrawing = false

  constructor (client: PeerServerClient, url: string, sort: string, terminal: Terminal) {
    this.#client = client
    this.#terminal = terminal
    this.#scene = {
      url,
      state: undefined,
      trouble: undefined,
      stats: undefined,
      history: { peers: [], packetsIn: [], packetsOut: [], bytesIn: [], bytesOut: [] },
      peers: [],
      sort,
      events: [],
      isPaused: false
    }
  }

  async run (signal: AbortSignal): Promise<void> {
    const { input, output } = this.#terminal
    const onKey = (key: Buffer): void => { this.#press(key.toString()) }
    const onResize = (): void => { this.#draw() }
    signal.addEventListener('abort', () => { this.#over.abort() })
    if (signal.aborted) return
    // Its own screen without a cursor; what was there before comes back in the end.
    output.write('\u001B[?1049h\u001B[?25l')
    input.setRawMode?.(true).on('data', onKey)
    output.on('resize', onResize)
    const timer = setInterval(async () => { await this.#refresh() }, REFRESH)
    try {
      await this.#refresh()
      for await (const event of follow(this.#client, this.#over.signal, trouble => { this.#fail(trouble) })) this.#happened(event)
    } finally {
      clearInterval(timer)
      input.off('data', onKey).setRawMode?.(false)
      input.pause()
      output.off('resize', onResize)
      output.write('\u001B[?25h\u001B[?1049l')
    }
  }

  #press (key: string): void {
    const scene = this.#scene
    if (key === 'q' || key === '\u0003') this.#over.abort()
    else if (key === 'p') scene.isPaused = !scene.isPaused
    else if (key === 's') {
      scene.sort = sorts[(sorts.indexOf(scene.sort) + 1) % sorts.length]
      // It never rejects.
      this.#refresh().catch(() => {})
    } else return
    this.#draw()
  }

  #fail (trouble: string): void {
    this.#scene.trouble = trouble
    this.#draw()
  }

  #happened (event: ClientEvent): void {
    const scene = this.#scene
    scene.trouble = undefined
    if (event.type === 'stats') this.#measure(event)
    else if (event.type !== 'open' && !scene.isPaused) {
      scene.events.push(event)
      if (scene.events.length > KEPT) scene.events.shift()
    }
    this.#draw()
  }

  #measure (stats: FeedData['stats'] & { at: string }): void {
    const { history } = this.#scene
    const last = this.#lastStats
    const seconds = last === undefined ? 0 : (Date.parse(stats.at) - Date.parse(last.at)) / 1000
    keep(history.peers, stats.peers.open)
    if (seconds > 0) for (const name of ['packetsIn', 'packetsOut', 'bytesIn', 'bytesOut'] as const) keep(history[name], Math.max(0, stats[name] - last![name]) / seconds)
    this.#lastStats = this.#scene.stats = stats
  }

  async #refresh (): Promise<void> {
    const scene = this.#scene
    if (scene.isPaused) return
    try {
      const order = descending.has(scene.sort) ? 'desc' : 'asc'
      const limit = Math.max(1, this.#terminal.output.rows)
      const sort = scene.sort as Operations['peers']['parameters']['sort'] & string
      const [state, { items }] = await Promise.all([this.#client.call('getServer'), this.#client.call('peers', { limit, sort, order })])
      Object.assign(scene, { state, peers: items })
      this.#draw()
    } catch (error) {
      // Of what is refused the stream of events tells.
      if (!(error instanceof ApiError)) this.#fail('the service does not answer')
    }
  }

  /** Draws soon, and once for all that happens until then. */
  #draw (): void {
    if (this.#isDrawing || this.#over.signal.aborted) return
    this.#isDrawing = true
    setTimeout(() => {
      this.#isDrawing = false
      if (this.#over.signal.aborted) return
      const { output } = this.#terminal
      const lines = draw(this.#scene, output.columns, output.rows, output.hasColors?.(256) === true && process.env.NO_COLOR === undefined ? colours : noColours)
      output.write(`\u001B[H${lines.map(line => `${line}\u001B[K`).join('\r\n')}\u001B[J`)
    }, 50)
  }
}

function keep (values: number[], value: number): void {
  values.push(value)
  if (values.length > KEPT) values.shift()
}
