import type { WireFault } from '../../../protocol/multiplayer/relay-wire.ts'

/** Why the relay drops a packet. */
export type RelayDrop = WireFault | 'too-big' | 'relay-off'
