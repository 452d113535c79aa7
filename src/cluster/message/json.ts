/** The value as JSON, for a message or a store. */
export function encodeJson (value: unknown): Uint8Array {
  return Buffer.from(JSON.stringify(value))
}

/** The decoded value; its type is not checked. */
export function decodeJson<Value> (bytes: Uint8Array): Value {
  return JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString()) as Value
}
