import { networkOf, textOf, wordsOf } from '../../address-range.ts'

/** A handshake asks several times for the key of its address. */
let last = { address: '', key: '' }

/**
 * What an address is counted under: of IPv6 its network of 64 bits, since a host usually has all of them, and of IPv4
 * mapped into IPv6 the IPv4 address.
 */
export function addressKey (address: string): string {
  if (!address.includes(':')) return address
  if (address !== last.address) last = { address, key: keyOf(address) }
  return last.key
}

function keyOf (address: string): string {
  const words = wordsOf(address)
  return words === undefined ? address : textOf(networkOf(words, 64) ?? words)
}

/** The addresses that are counted together with this one, as a range to ban. */
export function addressesCountedWith (address: string): string {
  const key = addressKey(address)
  return key.includes(':') ? `${key}/64` : key
}
