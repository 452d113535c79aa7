import { EventEmitter } from 'node:events'
import type { IncomingMessage, Server } from 'node:http'
import type { Duplex } from 'node:stream'
import fastifyWebsocket from '@fastify/websocket'
import type { FastifyInstance } from 'fastify'
import fp from 'fastify-plugin'
import { GodotError } from '../src/error.ts'
import { ClosingConnections } from '../src/core/admission/closing-connections.ts'
import { offersWebSocket } from '../src/protocol/websocket/upgrade.ts'
import { hasTooManyParameters, MAX_PARAMETERS } from '../http/query/query-limit.ts'
import { afterResponses } from '../http/upgrade/after-responses.ts'
import { assignedResponse } from '../http/upgrade/assigned-response.ts'
import { endpointUpgrade, HttpUpgrade, setUpgrade, upgradeOf } from '../http/upgrade/http-upgrade.ts'
import { handleAsRequest } from '../http/upgrade/plain-request.ts'
import { findsEndpoint } from '../http/upgrade/route-probe.ts'

/** When a connection began, until its first request arrives. */
const connectedAt = Symbol('connectedAt')
type Connected = Duplex & { [connectedAt]?: number | undefined }

/** Whether an upgrade request is for one of our endpoints, once that is known. */
const isForEndpoint = Symbol('isForEndpoint')
type Decided = IncomingMessage & { [isForEndpoint]?: boolean }

type Upgrade = [request: IncomingMessage, socket: Duplex, head: Buffer]
type Emit = (event: string | symbol, ...args: unknown[]) => boolean
/** Node 22.21 and later ask it which requests are upgrades. */
type UpgradingServer = Server & { shouldUpgradeCallback?: (request: IncomingMessage) => boolean }

/** The listener of each HTTP server. */
const listeners = new WeakMap<object, UpgradeListener>()

/** Brings upgrades of our endpoints, and of no other route, to the routes of the app. */
export async function watchUpgrades (app: FastifyInstance): Promise<void> {
  let listener = listeners.get(app.server)
  if (listener === undefined) {
    listener = new UpgradeListener(app)
    listeners.set(app.server, listener)
    await listener.open()
  }
  const { injectWS } = listener
  // Only now: the host may register @fastify/websocket itself, before us or after.
  app.addHook('onReady', done => {
    if (!app.hasDecorator('injectWS')) Object.assign(app, { injectWS })
    done()
  })
}

/**
 * Receives upgrades before @fastify/websocket and all other listeners of the HTTP server. An upgrade is ours if it
 * offers `websocket` and the router finds one of our endpoints; then no other listener sees it, as it might refuse what
 * it does not know. All others go to those listeners, or are ordinary requests if there are none (RFC 9110 section
 * 7.8).
 */
class UpgradeListener {
  readonly #app: FastifyInstance
  readonly #server: UpgradingServer
  readonly #closing = new ClosingConnections()
  /** What @fastify/websocket listens to in place of the HTTP server. */
  readonly #ours = new EventEmitter()
  readonly #emit: Emit
  readonly #shouldUpgrade: UpgradingServer['shouldUpgradeCallback']
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
    this.#ours.on('upgrade', this.#begin)
    await this.#connect()
    this.#ours.on('upgrade', this.#finish)
    this.#watch()
    this.#app.addHook('preClose', done => {
      this.#close()
      done()
    })
  }

  #watch (): void {
    const server = this.#server
    const listener = this
    server.emit = function (this: Server, event: string | symbol, ...args: unknown[]): boolean {
      if (event !== 'upgrade') return Reflect.apply(listener.#emit, this, [event, ...args])
      return listener.#receive(args as Upgrade)
    }
    if (this.#shouldUpgrade !== undefined) server.shouldUpgradeCallback = this.#isUpgrade
    server.on('upgrade', nobody)
    server.on('connection', onConnection).on('secureConnection', onConnection).on('request', onRequest)
  }

  /** Passes our upgrades to @fastify/websocket: one of our own, or the host's, which listens to the server itself. */
  async #connect (): Promise<void> {
    if (this.#app.hasDecorator('websocketServer')) {
      this.#ours.on('upgrade', this.#passOn)
      return
    }
    // In a scope of its own, so that the host can register it too.
    await this.#app.register(fp(async scope => {
      await scope.register(fastifyWebsocket, { options: { server: this.#ours as unknown as Server } })
      this.injectWS = scope.injectWS
    }, { name: 'peer-server-websocket', encapsulate: true }))
  }

  /** Passes an upgrade to the host's @fastify/websocket only, or to all listeners if a bundler has renamed its own. */
  readonly #passOn = (...upgrade: Upgrade): void => {
    const listeners = this.#server.listeners('upgrade').filter(({ name }) => name === 'onUpgrade')
    for (const listener of listeners) Reflect.apply(listener, this.#server, upgrade)
    if (listeners.length > 0) return
    this.#asWithoutUs(() => Reflect.apply(this.#emit, this.#server, ['upgrade', ...upgrade]))
  }

  #receive (upgrade: Upgrade): boolean {
    return this.#isClosed ? this.#leave(upgrade) : this.#decide(upgrade)
  }

  #decide (upgrade: Upgrade): boolean {
    const [request, socket, head] = upgrade
    if (!this.#isOurs(request)) return this.#asWithoutUs(() => this.#leave(upgrade))
    // A handshake pipelined behind a request without a response waits, as a request does (RFC 9112 section 9.3.2).
    if (assignedResponse(socket) !== undefined) {
      afterResponses(socket, () => { this.#receive(upgrade) })
      return true
    }
    Reflect.apply(this.#emit, this.#server, [endpointUpgrade, request])
    return this.#ours.emit('upgrade', request, socket, head)
  }

  #isOurs (request: Decided): boolean {
    const { method, httpVersion, headers } = request
    // Only HTTP/1.1 has upgrades (RFC 9110 section 7.8).
    if (method !== 'GET' || httpVersion !== '1.1' || !offersWebSocket(headers)) return false
    // Where the router decides later, nobody else may wait for the upgrade.
    request[isForEndpoint] ??= findsEndpoint(this.#app, request) ??
      this.#asWithoutUs(() => this.#server.listenerCount('upgrade') === 0)
    return request[isForEndpoint]
  }

  /* c8 ignore start: only newer versions of Node ask; `npm run test:nodes` and the matrix of hosts run there. */
  readonly #isUpgrade = (request: IncomingMessage): boolean => {
    return (!this.#isClosed && this.#isOurs(request)) ||
      this.#asWithoutUs(() => Reflect.apply(this.#shouldUpgrade!, this.#server, [request]))
  }
  /* c8 ignore stop */

  /** Some listeners handle every upgrade while there are no others. */
  readonly #asWithoutUs = <Result>(ask: () => Result): Result => {
    this.#server.off('upgrade', nobody)
    try {
      return ask()
    } finally {
      if (!this.#isClosed) this.#server.on('upgrade', nobody)
    }
  }

  /** While the app closes, Fastify's second server of `localhost` emits upgrades here even if nobody listens. */
  #leave (upgrade: Upgrade): boolean {
    const [request, socket, head] = upgrade
    if (this.#server.listenerCount('upgrade') === 0) return this.#handleAsRequest(upgrade)
    // Where @fastify/websocket of the host brings it to a route that refuses it, nobody reads the connection any more.
    if (!this.#isClosed && offersWebSocket(request.headers)) {
      new HttpUpgrade(socket, head, undefined, this.#closing).watchResponse()
    }
    return Reflect.apply(this.#emit, this.#server, ['upgrade', ...upgrade])
  }

  #handleAsRequest ([request, socket, head]: Upgrade): boolean {
    handleAsRequest(this.#server, this.#asWithoutUs, request, socket, head)
    return true
  }

  readonly #begin = (...[request, socket, head]: Upgrade): void => {
    const upgrade = new HttpUpgrade(socket, head, (socket as Connected)[connectedAt], this.#closing)
    setUpgrade(request, upgrade)
    upgrade.watchResponse()
    // The router would parse them before anyone is asked whether the client may connect.
    if (!hasTooManyParameters(request.url!)) return
    request.url = request.url!.slice(0, request.url!.indexOf('?'))
    upgrade.refusal = new GodotError('bad-handshake', `too many query parameters: expected at most ${MAX_PARAMETERS}`)
  }

  readonly #finish = (request: IncomingMessage): void => {
    const upgrade = upgradeOf(request)!
    upgrade.limitTime()
    if (upgrade.refusal !== undefined) return upgrade.reject(upgrade.refusal)
    // @fastify/websocket of the host may listen to another server.
    if (!upgrade.isRouted) upgrade.reject(new GodotError('not-listening'))
  }

  /** From now on Node treats upgrades as ordinary requests, which get a response, unless others listen. */
  #close (): void {
    this.#isClosed = true
    this.#server.off('upgrade', nobody).off('request', onRequest)
    this.#server.off('connection', onConnection).off('secureConnection', onConnection)
    this.#closing.close()
  }
}

/** Node has upgrades only for a server that listens to them; `emit` takes them before they come here. */
/* c8 ignore next */
function nobody (): void {}

function onConnection (socket: Duplex): void {
  (socket as Connected)[connectedAt] = performance.now()
}

function onRequest ({ socket }: IncomingMessage): void {
  (socket as Duplex as Connected)[connectedAt] = undefined
}
