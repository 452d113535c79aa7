// Messages of Godot's multiplayer protocols, as a client sends and receives them; ids are little-endian i32.
//
// Godot 3:  | type u8 | source | target | payload ... |   type 0: packet; 1 add, 2 del, 3 id: the payload is an id.
//           The payload of a packet that clients deliver as network_peer_packet begins with 4.
// Godot 4:  | id |                                        the first message
//           | 7 | 1 add, 2 del | id |
//           | 7 | 3 | target or source | packet ... |     relayed
//           | 3 | payload ... |                           packet of bytes; other first bytes are the engine's

const HEAD = 9
const RAW = 4
const types = ['packet', 'add', 'del', 'id']
const SYS = 7
const RELAY = 3
const RAW4 = 3
/** The id of the server. */
const SERVER = 1

const view = bytes => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)

/**
 * Each protocol: `decode (bytes, ownId)` gives `{ type, id }` or `{ type: 'packet', source, target, payload }`,
 * undefined for anything else; `encode (ownId, target, payload)` gives the messages that send a packet.
 */
export const codecs = {
  godot3: { decode: decode3, encode: encode3 },
  godot4: { decode: decode4, encode: encode4 }
}

function decode3 (bytes) {
  if (bytes.length < HEAD || types[bytes[0]] === undefined) return undefined
  const type = types[bytes[0]]
  const payload = bytes.subarray(HEAD)
  if (type !== 'packet') return payload.length < 4 ? undefined : { type, id: view(payload).getInt32(0, true) }
  const [source, target] = [view(bytes).getInt32(1, true), view(bytes).getInt32(5, true)]
  const isRaw = payload[0] === RAW
  return { type, source, target, payload: isRaw ? payload.subarray(1) : payload, isCall: !isRaw }
}

function encode3 (ownId, target, payload) {
  const bytes = new Uint8Array(HEAD + 1 + payload.length)
  view(bytes).setInt32(1, ownId, true)
  view(bytes).setInt32(5, target, true)
  bytes[HEAD] = RAW
  bytes.set(payload, HEAD + 1)
  return [bytes]
}

function decode4 (bytes, ownId) {
  if (ownId === undefined) return bytes.length === 4 ? { type: 'id', id: view(bytes).getInt32(0, true) } : undefined
  if ((bytes[0] & 7) !== SYS) return packet4(SERVER, bytes)
  if (bytes.length < 6) return undefined
  const id = view(bytes).getInt32(2, true)
  if (bytes[1] === RELAY) return packet4(id, bytes.subarray(6))
  return types[bytes[1]] === undefined || bytes[1] === 0 ? undefined : { type: types[bytes[1]], id }
}

function packet4 (source, bytes) {
  if (bytes.length === 0) return undefined
  const isRaw = (bytes[0] & 7) === RAW4
  return { type: 'packet', source, target: undefined, payload: isRaw ? bytes.subarray(1) : bytes, isCall: !isRaw }
}

function encode4 (_ownId, target, payload) {
  const relayed = new Uint8Array(7 + payload.length)
  relayed.set([SYS, RELAY])
  view(relayed).setInt32(2, target, true)
  relayed[6] = RAW4
  relayed.set(payload, 7)
  const packet = relayed.subarray(6)
  if (target === SERVER) return [packet]
  // The server relays one message to the others, and gets one of its own, as from real clients.
  return target === 0 || (target < 0 && target !== -SERVER) ? [packet, relayed] : [relayed]
}
