import { networkOf } from '../../address-range.ts'

/**
 * What an address is counted under: of IPv6 its network of 64 bits, since a host usually has all of them, and of IPv4
 * mapped into IPv6 the IPv4 address.
 */
export function addressKey (address: string): string {
  return address.includes(':') ? networkOf(address, 64) ?? networkOf(address, 32) ?? address : address
}

/** The addresses that are counted together with this one, as a range to ban. */
export function addressesCountedWith (address: string): string {
  const key = addressKey(address)
  return key.includes(':') ? `${key}/64` : key
}
