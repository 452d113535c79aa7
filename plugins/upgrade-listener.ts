import { EventEmitter } from 'node:events'
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import fastifyWebsocket from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import { GodotError } from '../src/error.ts'
import { ClosingConnections } from '../src/core/admission/closing-connections.ts'
import { offersWebSocket } from '../src/protocol/websocket/upgrade.ts'
import { endpointUpgrade, HttpUpgrade, setUpgrade, upgradeOf } from '../http/http-upgrade.ts'
import { handleAsRequest } from '../http/plain-request.ts'
import { findsEndpoint } from '../http/route-probe.ts'

/** When a connection began, until its first request arrives. */
const connectedAt = Symbol('connectedAt')
type Connected = Duplex & { [connectedAt]?: number | undefined }

/** Whether an upgrade request is for one of our endpoints, once that is known. */
const isForEndpoint = Symbol('isForEndpoint')
type Decided = IncomingMessage & { [isForEndpoint]?: boolean }

type Upgrade = [request: IncomingMessage, socket: Duplex, head: Buffer]
type Emit = (event: string | symbol, ...args: unknown[]) => boolean
/** Node 22.21 and later ask it which requests are upgrades. */
type Gated = Server & { shouldUpgradeCallback?: (request: IncomingMessage) => boolean }

/** What brings upgrades of endpoints to the routes of an app, by its HTTP server. */
const gates = new WeakMap<object, Gate>()

/** Brings upgrades of our endpoints, and of no other route, to the routes of the app. */
export async function watchUpgrades (app: FastifyInstance): Promise<void> {
  let gate = gates.get(app.server)
  if (gate === undefined) {
    gate = new Gate(app)
    gates.set(app.server, gate)
    await gate.open()
  }
  const { injectWS } = gate
  // Only now: the host may register @fastify/websocket itself, before us or after.
  app.addHook('onReady', done => {
    if (!app.hasDecorator('injectWS')) Object.assign(app, { injectWS })
    done()
  })
}

/**
 * Stands in front of @fastify/websocket and of all that listens to upgrades of the HTTP server. An upgrade is ours if
 * it offers `websocket` and the router finds one of our endpoints: nobody else hears of it, as others may refuse what
 * they do not know. All other upgrades are left to those who listen to them; if nobody does, they are ordinary requests
 * (RFC 9110 section 7.8).
 */
class Gate {
  readonly #app: FastifyInstance
  readonly #server: Gated
  readonly #closing = new ClosingConnections()
  /** What @fastify/websocket listens to in place of the HTTP server. */
  readonly #ours = new EventEmitter()
  readonly #emit: Emit
  readonly #shouldUpgrade: Gated['shouldUpgradeCallback']
  #isClosed = false
  /** `injectWS` of our @fastify/websocket, undefined where the host has its own. */
  injectWS: FastifyInstance['injectWS'] | undefined

  constructor (app: FastifyInstance) {
    this.#app = app
    this.#server = app.server
    this.#emit = app.server.emit as Emit
    this.#shouldUpgrade = this.#server.shouldUpgradeCallback
  }

  async open (): Promise<void> {
    const server = this.#server
    this.#ours.on('upgrade', this.#begin)
    await this.#connect()
    this.#ours.on('upgrade', this.#finish)
    const gate = this
    server.emit = function (this: Server, event: string | symbol, ...args: unknown[]): boolean {
      if (event === 'upgrade' && gate.#isOurs(args[0] as Decided)) return gate.#take(args as Upgrade)
      return Reflect.apply(gate.#emit, this, [event, ...args])
    }
    if (this.#shouldUpgrade !== undefined) server.shouldUpgradeCallback = this.#isUpgrade
    server.prependListener('upgrade', this.#leave)
    server.on('connection', onConnection).on('secureConnection', onConnection).on('request', onRequest)
    this.#app.addHook('preClose', done => {
      this.#close()
      done()
    })
  }

  /** Has @fastify/websocket hear of our upgrades: one of our own, or the host's, which listens to the server itself. */
  async #connect (): Promise<void> {
    if (this.#app.hasDecorator('websocketServer')) {
      this.#ours.on('upgrade', (...upgrade: Upgrade) => {
        Reflect.apply(this.#emit, this.#server, ['upgrade', ...upgrade])
      })
      return
    }
    // In a scope of its own, so that the host can register it too.
    await this.#app.register(async scope => {
      await scope.register(fastifyWebsocket, { options: { server: this.#ours as unknown as Server } })
      this.injectWS = scope.injectWS
    })
  }

  #isOurs (request: Decided): boolean {
    if (this.#isClosed || request.method !== 'GET' || !offersWebSocket(request.headers)) return false
    // Where the router decides later, nobody else may wait for the upgrade.
    request[isForEndpoint] ??= findsEndpoint(this.#app, request) ?? !this.#hasOthers
    return request[isForEndpoint]
  }

  /** Whether anyone but us listens to upgrades. */
  get #hasOthers (): boolean {
    return this.#server.listenerCount('upgrade') > 1
  }

  readonly #isUpgrade = (request: IncomingMessage): boolean => {
    if (!this.#isClosed && !this.#hasOthers) return this.#isOurs(request)
    return this.#isOurs(request) || Reflect.apply(this.#shouldUpgrade!, this.#server, [request])
  }

  #take (upgrade: Upgrade): boolean {
    Reflect.apply(this.#emit, this.#server, [endpointUpgrade, upgrade[0]])
    return this.#ours.emit('upgrade', ...upgrade)
  }

  readonly #begin = (...[request, socket, head]: Upgrade): void => {
    const upgrade = new HttpUpgrade(socket, head, (socket as Connected)[connectedAt], this.#closing)
    setUpgrade(request, upgrade)
    upgrade.watchResponse()
  }

  readonly #finish = (request: IncomingMessage): void => {
    const upgrade = upgradeOf(request)!
    upgrade.limitTime()
    // @fastify/websocket of the host may listen to another server.
    if (!upgrade.hasResponse) upgrade.reject(new GodotError('not-listening'))
  }

  readonly #leave = (...[request, socket, head]: Upgrade): void => {
    if (upgradeOf(request) !== undefined) return
    if (!this.#hasOthers) handleAsRequest(this.#server, this.#leave, request, socket, head)
    // Where @fastify/websocket of the host brings it to a route that refuses it, nobody reads the connection any more.
    else if (offersWebSocket(request.headers)) new HttpUpgrade(socket, head, undefined, this.#closing).watchResponse()
  }

  /** From now on Node treats upgrades as ordinary requests, which are answered, unless others listen. */
  #close (): void {
    this.#isClosed = true
    this.#server.off('upgrade', this.#leave).off('request', onRequest)
    this.#server.off('connection', onConnection).off('secureConnection', onConnection)
    this.#closing.close()
  }
}

function onConnection (socket: Duplex): void {
  (socket as Connected)[connectedAt] = performance.now()
}

function onRequest ({ socket }: IncomingMessage): void {
  (socket as Duplex as Connected)[connectedAt] = undefined
}
