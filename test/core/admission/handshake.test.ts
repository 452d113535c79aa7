import fc from 'fast-check'
import t from 'tap'
import { internalsOf } from '../../../src/core/server/internals.ts'
import { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import type { Accepted, Refused } from '../../../src/on-handshake.ts'
import { stopTime } from '../../helper/clock.ts'
import { scaled } from '../../helper/random/random.ts'
import { nextTurn } from '../../helper/memory/frame-client.ts'
import { HandshakeClient } from '../../helper/sockets/handshake-client.ts'

const TIMEOUT = 1000
/** All orders of this many different events are tried. */
const LENGTH = 3

/** Events of one handshake, in any order and repeated. */
const events = ['start', 'request', 'accept', 'refuse', 'throw', 'leave', 'timeout', 'ban', 'stop', 'poll'] as const
type Event = typeof events[number]
type Clock = ReturnType<typeof stopTime>

/** `decides`: the server has an `onHandshake`. */
interface Mode { readonly autoPoll: boolean, readonly decides: boolean }

const modes: Mode[] = [true, false].flatMap(autoPoll => [true, false].map(decides => ({ autoPoll, decides })))

/** One server with one client after another; `happen` applies an event to the client. */
class Course {
  readonly server: WebSocketServer
  readonly #clock: Clock
  #client: HandshakeClient
  #decide: { resolve: (answer: Accepted | Refused) => void, reject: (error: Error) => void } | undefined
  signals: string[] = []

  private constructor (clock: Clock, { autoPoll, decides }: Mode) {
    this.#clock = clock
    this.server = new WebSocketServer({
      autoPoll,
      maxPeers: 1,
      maxPeersPerAddress: 1,
      maxPendingHandshakes: 1,
      pingInterval: 0,
      handshakeTimeout: TIMEOUT / 1000,
      ...(decides
        ? {
            onHandshake: async () => await new Promise<Accepted | Refused>((resolve, reject) => {
              this.#decide = { resolve, reject }
            })
          }
        : {})
    }, { mount: { port: 0, tls: false } })
    this.server.on('client_connected', () => { this.signals.push('connected') })
    this.server.on('client_disconnected', () => { this.signals.push('disconnected') })
    this.#client = new HandshakeClient(this.server)
  }

  static async open (clock: Clock, mode: Mode): Promise<Course> {
    const course = new Course(clock, mode)
    await course.server.listen()
    return course
  }

  async happen (event: Event): Promise<void> {
    const { server } = this
    const client = this.#client
    switch (event) {
      case 'start': client.handshake.start(client.connection.address); break
      case 'request': client.request(); break
      case 'accept': this.#decide?.resolve({}); break
      case 'refuse': this.#decide?.resolve({ status: 403 }); break
      case 'throw': this.#decide?.reject(new Error('broken')); break
      case 'leave': client.leave(); break
      case 'timeout': this.#clock.advance(TIMEOUT); break
      case 'ban': server.ban(client.connection.address); break
      case 'stop': server.stop(); break
      case 'poll': server.poll(); break
    }
    await nextTurn()
  }

  /** Invariants that are broken now. */
  faults (): string[] {
    const { state } = this.#client.handshake
    const { places } = internalsOf(this.server).admission.counts
    const isIn = ['deciding', 'accepted'].includes(state)
    // A banned peer is closing, but not yet removed.
    const expected = this.server.peerCount + (isIn ? 1 : 0)
    return [
      ...(places === expected ? [] : [`${places} places, expected ${expected}`]),
      ...(isIn && this.server.countPeers().pending !== 1 ? [`${state}, but not pending`] : []),
      ...(this.#client.refusals.length > 1 ? ['refused twice'] : []),
      ...(this.#client.refusals.length > 0 && this.server.peerCount > 0 ? ['refused, but a peer'] : [])
    ]
  }

  /** Ends everything; returns what was not released. */
  async end (): Promise<string[]> {
    this.#client.leave()
    const stopped = this.server.stop()
    await nextTurn()
    this.#clock.advance(5000)
    await nextTurn()
    this.#decide?.resolve({})
    await nextTurn()
    await stopped
    const { places, connections } = internalsOf(this.server).admission.counts
    const signals = this.signals.join()
    return [
      ...(places === 0 ? [] : [`${places} places`]),
      ...(connections.size === 0 ? [] : [`connections of ${[...connections.keys()].join()}`]),
      ...(this.server.countPeers().pending === 0 ? [] : [`${this.server.countPeers().pending} pending`]),
      ...(this.server.peerCount === 0 ? [] : [`${this.server.peerCount} peers`]),
      ...(['', 'connected,disconnected'].includes(signals) ? [] : [`signals ${signals}`])
    ]
  }
}

/** Broken invariants during or after one sequence of events. */
async function faultsOf (clock: Clock, order: readonly Event[], mode: Mode): Promise<string[]> {
  const faults: string[] = []
  const course = await Course.open(clock, mode)
  for (const event of order) {
    await course.happen(event)
    faults.push(...course.faults().map(fault => `after ${event}: ${fault}`))
  }
  faults.push(...(await course.end()).map(fault => `left at the end: ${fault}`))
  return faults
}

/** All orders of `length` different events. */
function * orders (length: number, among: readonly Event[] = events): Generator<Event[]> {
  if (length === 0) yield []
  else {
    for (const first of among) {
      for (const rest of orders(length - 1, among.filter(event => event !== first))) yield [first, ...rest]
    }
  }
}

for (const mode of modes) {
  t.test(`releases all counts of a handshake in every order of events: ${JSON.stringify(mode)}`, async t => {
    const clock = stopTime(t)
    const failed: string[] = []
    for (const order of orders(LENGTH)) {
      const faults = await faultsOf(clock, order, mode)
      if (faults.length > 0) failed.push(`${order.join(' ')}: ${faults.join('; ')}`)
    }
    t.same(failed.slice(0, 10), [])
  })

  t.test(`releases all counts when events are repeated: ${JSON.stringify(mode)}`, async t => {
    const clock = stopTime(t)
    const order = fc.array(fc.constantFrom(...events), { minLength: LENGTH, maxLength: 12 })
    const result = await fc.check(fc.asyncProperty(order, async order => {
      const faults = await faultsOf(clock, order, mode)
      if (faults.length > 0) throw new Error(faults.join('; '))
    }), { numRuns: scaled(100) })
    t.notOk(result.failed, fc.defaultReportMessage(result) ?? 'no invariant broken')
  })
}
