import ipaddr from 'ipaddr.js'

/** A set of IP addresses. */
export interface AddressRange {
  /** Whether the address, in text, lies in the range; what is no address does not. */
  has (address: string): boolean
}

/** Reads an IP address or a CIDR range such as 10.0.0.0/8; undefined for anything else. IPv4 mapped into IPv6 is IPv4. */
export function parseAddressRange (text: string): AddressRange | undefined {
  const [address, bits, ...more] = text.split('/')
  if (more.length > 0 || !isAddress(address)) return undefined
  const network = ipaddr.process(address)
  const width = network.kind() === 'ipv4' ? 32 : 128
  const length = bits === undefined ? width : Number(bits)
  if (bits !== undefined && (!/^(0|[1-9]\d*)$/.test(bits) || length > width)) return undefined
  return { has: other => isAddress(other) && matches(network, length, ipaddr.process(other)) }
}

/** The shorthands that some read as IPv4 (127.1, 0x7f000001) are none here. */
function isAddress (text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || (text.includes(':') && ipaddr.IPv6.isValid(text))
}

function matches (network: ipaddr.IPv4 | ipaddr.IPv6, length: number, address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return network.kind() === address.kind() && (address as ipaddr.IPv4).match([network as ipaddr.IPv4, length])
}
