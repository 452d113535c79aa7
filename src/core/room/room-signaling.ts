import type { PeerSession } from '../peer/peer-session.ts'
import { SignalEmitter } from '../server/signals.ts'
import { MAIN } from './room-name.ts'
import type { RoomServer } from './room-server.ts'
import { roomSignalNames } from './room-signals.ts'
import type { RoomSignals, SharedEmitter, SharedSignals } from './room-signals.ts'

/** Emits the signals about members and packets of one room, each as a signal of the room and of its server. */
export class RoomSignaling {
  readonly #room: string
  readonly #server: RoomServer
  #own: SignalEmitter<RoomSignals> | undefined

  constructor (room: string, server: RoomServer) {
    this.#room = room
    this.#server = server
  }

  /** Signals of this room alone. */
  get own (): SignalEmitter<RoomSignals> {
    this.#own ??= new SignalEmitter(roomSignalNames, (error, signal) => {
      this.#server.monitor.listenerFailed(error, signal)
    })
    return this.#own
  }

  /** Emits a signal of this room alone. */
  emitOwn<Name extends keyof RoomSignals> (name: Name, ...args: RoomSignals[Name]): void {
    this.#own?.emit(name, ...args)
  }

  /** Emits a signal of the room, then the same of the server; returns whether either has listeners. */
  emit<Name extends keyof SharedSignals> (name: Name, ...args: SharedSignals[Name]): boolean {
    const room: SharedEmitter | undefined = this.#own
    const server: SharedEmitter = this.#server.signals
    const isHeard = room?.emit(name, ...args) === true
    return server.emit(name, ...args) || isHeard
  }

  /** How many listeners a signal about packets has. `peer_packet` of the server is about `main` alone. */
  listenersOf (signal: 'data_received' | 'packet' | 'peer_packet'): number {
    const own = this.#own?.listenerCount(signal) ?? 0
    return signal === 'peer_packet' && this.#room !== MAIN ? own : own + this.#server.signals.listenerCount(signal)
  }

  /** A member has joined the room; one that `isNew` to the server has connected to it, too. */
  connected (session: PeerSession, isNew: boolean): void {
    const { settings: { options: { gdMpApi } }, signals } = this.#server
    signalConnected(this.#own, session, gdMpApi)
    if (isNew) signalConnected(signals, session, gdMpApi)
  }

  /** A member has moved to another room. */
  movedOut (session: PeerSession): void {
    signalDisconnected(this.#own, session, this.#server.settings.options.gdMpApi, true)
  }

  /** A member has disconnected; signalled only where its joining was. */
  disconnected (session: PeerSession, isClean: boolean): void {
    const { settings: { options: { gdMpApi } }, signals } = this.#server
    if (session.stage === 'settled') signalDisconnected(this.#own, session, gdMpApi, isClean)
    if (session.stage !== 'joining') signalDisconnected(signals, session, gdMpApi, isClean)
  }
}

/** Signals a member that has joined a room. */
function signalConnected (to: SharedEmitter | undefined, { id, protocol }: PeerSession, gdMpApi: boolean): void {
  if (gdMpApi) to?.emit('peer_connected', id)
  else to?.emit('client_connected', id, protocol)
}

/** Signals a member that has left a room. */
function signalDisconnected (
  to: SharedEmitter | undefined, { id }: PeerSession, gdMpApi: boolean, isClean: boolean
): void {
  if (gdMpApi) to?.emit('peer_disconnected', id)
  else to?.emit('client_disconnected', id, isClean)
}
