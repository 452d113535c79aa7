import { ApiError, type ClientEvent, type PeerServerClient } from '../client/client.ts'
import type { Operations } from '../client/operations.ts'
import type { Call, CommandLine } from './command.ts'
import { describeEvent } from './event-line.ts'
import { follow } from './follow.ts'
import { colours, draw, noColours, orderOf, type Palette, sorts } from './screen.ts'
import { Scene } from './scene.ts'

/** Milliseconds between two looks at the peers, and between two pictures. */
const REFRESH = 2000
const FRAME = 50

/** A screen of its own without a cursor, whose lines are cut and not wrapped; and what was there before. */
const ENTER = '\u001B[?1049h\u001B[?25l\u001B[?7l'
const LEAVE = '\u001B[?7h\u001B[?25h\u001B[?1049l'

/** Keys that come as an escape and more, such as arrows. */
const specialKeys = /\u001B(\[[\d;]*[@-~]|O.|.)?/g // eslint-disable-line no-control-regex

/** The live picture of a server in a terminal. */
export class LiveView {
  readonly #client: PeerServerClient
  readonly #line: CommandLine
  readonly #scene: Scene
  readonly #palette: Palette
  readonly #over = new AbortController()
  #isDrawing = false
  #isRefreshing = false

  constructor ({ client, url, line }: Call, sort: string) {
    this.#client = client
    this.#line = line
    this.#scene = new Scene(url, sort)
    this.#palette = line.output.hasColors(256, line.env) ? colours : noColours
  }

  /** Shows it until a key or the signal ends it; rejects with what the service refuses. */
  async run (signal: AbortSignal): Promise<void> {
    const over = AbortSignal.any([signal, this.#over.signal])
    const timer = setInterval(() => { this.#refresh() }, REFRESH)
    const leave = this.#enter()
    try {
      this.#refresh()
      for await (const event of follow(this.#client, over, trouble => { this.#fail(trouble) })) this.#happened(event)
    } finally {
      this.#over.abort()
      clearInterval(timer)
      leave()
    }
  }

  /** Takes the terminal over; the answer gives it back. */
  #enter (): () => void {
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

  /** What is typed; arrows and the like mean nothing here. */
  #press (keys: string): void {
    const scene = this.#scene
    for (const key of keys.replace(specialKeys, '')) {
      if (key === 'q' || key === '\u0003') this.#over.abort()
      else if (key === 'p') scene.isPaused = !scene.isPaused
      else if (key === 's') scene.sort = sorts[(sorts.indexOf(scene.sort) + 1) % sorts.length]
    }
    this.#refresh()
    this.#draw(true)
  }

  #fail (trouble: string): void {
    this.#scene.fail(trouble)
    this.#draw()
  }

  #happened (event: ClientEvent): void {
    const scene = this.#scene
    scene.recover()
    if (event.type === 'stats') scene.measure(event)
    else if (event.type !== 'open') scene.add(describeEvent(event))
    this.#draw()
  }

  /** The size of the terminal; some do not know their own. */
  get #size (): { columns: number, rows: number } {
    const { columns, rows } = this.#line.output
    return { columns: columns || 80, rows: rows || 24 }
  }

  /** Looks at the server and its peers anew, unless a look is still under way. */
  #refresh (): void {
    if (this.#isRefreshing) return
    this.#isRefreshing = true
    this.#look()
      // Of what is refused the stream of events tells.
      .catch(error => { if (!(error instanceof ApiError)) this.#fail('the service does not answer') })
      .finally(() => { this.#isRefreshing = false })
  }

  async #look (): Promise<void> {
    const { sort } = this.#scene
    const query = { limit: this.#size.rows, sort: sort as Operations['peers']['parameters']['sort'] & string, order: orderOf(sort) }
    const [state, { items }] = await Promise.all([this.#client.call('getServer'), this.#client.call('peers', query)])
    Object.assign(this.#scene, { state, peers: items })
    this.#draw()
  }

  /** Draws soon, and once for all that happens until then; while it is paused only `even` then. */
  #draw (even: boolean = false): void {
    if (this.#isDrawing || (this.#scene.isPaused && !even)) return
    this.#isDrawing = true
    setTimeout(() => {
      this.#isDrawing = false
      if (this.#over.signal.aborted) return
      const { columns, rows } = this.#size
      const lines = draw(this.#scene, columns, rows, this.#palette)
      this.#line.output.write(`\u001B[H${lines.map(line => `${line}\u001B[K`).join('\r\n')}\u001B[J`)
    }, FRAME)
  }
}
