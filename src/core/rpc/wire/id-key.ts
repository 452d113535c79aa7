const [mask, factor] = crypto.getRandomValues(new Uint32Array(2))

/**
 * The key in a Map of an id of 32 bits that a client has chosen, one for each id. V8 hashes numbers without a secret,
 * so of ids themselves a client could choose thousands that share a bucket.
 */
export function idKey (id: number): number {
  return Math.imul(id ^ mask, factor | 1)
}
