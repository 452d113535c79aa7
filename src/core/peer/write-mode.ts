/** WebSocketPeer.WriteMode of Godot: the message type of `putPacket`. */
export const writeMode = { TEXT: 0, BINARY: 1 } as const
