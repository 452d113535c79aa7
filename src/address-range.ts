import ipaddr from 'ipaddr.js'

/** A range of IP addresses. */
export interface AddressRange {
  /** First address, prefix length, and both in canonical CIDR notation (for a single address just the address). */
  readonly network: string
  readonly length: number
  readonly text: string
  /** Whether the range contains the address; false for anything that is not an address. */
  has (address: string): boolean
}

/**
 * Parses an IP address or a CIDR range such as 10.0.0.0/8; undefined for anything else. IPv4 mapped into IPv6 is IPv4.
 */
export function parseAddressRange (text: string): AddressRange | undefined {
  const [address, bits, ...more] = text.split('/')
  if (more.length > 0 || !isAddress(address)) return undefined
  const first = ipaddr.process(address)
  const width = widthOf(first)
  const length = bits === undefined ? width : Number(bits)
  if (bits !== undefined && (!/^(0|[1-9]\d*)$/.test(bits) || length > width)) return undefined
  const network = networkOf(address, length)!
  return {
    network,
    length,
    text: length === width ? network : `${network}/${length}`,
    has: containment(first, length)
  }
}

/** Whether an address is in the range. Lists call it for every peer, so it compares IPv4 as numbers. */
function containment (first: ipaddr.IPv4 | ipaddr.IPv6, length: number): (address: string) => boolean {
  const own = ipv4Number(first.toString())
  const mask = length === 0 ? 0 : -1 << (32 - length)
  return address => {
    const number = ipv4Number(address)
    if (number !== undefined) return own !== undefined && ((own ^ number) & mask) === 0
    return isAddress(address) && matches(first, length, ipaddr.process(address))
  }
}

/** Four decimal parts as a 32-bit integer; undefined for anything else. */
function ipv4Number (text: string): number | undefined {
  const parts = fourParts.exec(text)
  return parts === null ? undefined : parts.slice(1).reduce((number, part) => number << 8 | Number(part), 0)
}

/** First address with the same `length` leading bits; undefined unless it is an address with that many. */
export function networkOf (address: string, length: number): string | undefined {
  if (!isAddress(address)) return undefined
  const one = ipaddr.process(address)
  if (length > widthOf(one)) return undefined
  const bytes = one.toByteArray().map((byte, at) => byte & 0xff << Math.max(0, Math.min(8, 8 * (at + 1) - length)))
  return ipaddr.fromByteArray(bytes).toString()
}

const octet = '(?:25[0-5]|2[0-4]\\d|1\\d\\d|[1-9]?\\d)'
const fourParts = new RegExp(`^${Array(4).fill(`(${octet})`).join('\\.')}$`)
/** IPv4 in four decimal parts, by itself, mapped into IPv6, or with a port. */
const ipv4 = new RegExp(`^(?:::ffff:)?(${octet}(?:\\.${octet}){3})(?::\\d{1,5})?$`, 'i')
/** IPv6 in brackets, with or without a port. */
const bracketed = /^\[([^\]]+)\](?::\d{1,5})?$/
/** Longer than any address with brackets, zone, port and quotes. */
const MAX_LENGTH = 100

/**
 * The canonical form of an address: IPv4 dotted, also when mapped into IPv6; IPv6 in lower case, compressed (RFC 5952),
 * without a zone. Strips the port, brackets and quotes that proxies add in `X-Forwarded-For`. Anything else gives the
 * canonical form of `fallback`.
 */
export function canonicalAddress (text: string, fallback: string = ''): string {
  return canonical(text) ?? (fallback === '' ? '' : canonical(fallback) ?? '')
}

function canonical (text: string): string | undefined {
  if (text.length > MAX_LENGTH) return undefined
  const bare = text.includes('"') ? text.replaceAll('"', '').trim() : text
  const dotted = ipv4.exec(bare)
  if (dotted !== null) return dotted[1]
  const [address] = (bracketed.exec(bare)?.[1] ?? bare).split('%', 1)
  return isAddress(address) ? ipaddr.process(address).toString() : undefined
}

function widthOf (address: ipaddr.IPv4 | ipaddr.IPv6): number {
  return address.kind() === 'ipv4' ? 32 : 128
}

/** Rejects shorthands of IPv4 (127.1, 0x7f000001). */
function isAddress (text: string): boolean {
  return ipaddr.IPv4.isValidFourPartDecimal(text) || (text.includes(':') && ipaddr.IPv6.isValid(text))
}

function matches (network: ipaddr.IPv4 | ipaddr.IPv6, length: number, address: ipaddr.IPv4 | ipaddr.IPv6): boolean {
  return network.kind() === address.kind() && (address as ipaddr.IPv4).match([network as ipaddr.IPv4, length])
}

const loopback = ['127.0.0.0/8', '::1'].map(text => parseAddressRange(text)!)

/** Whether the address is this machine itself. */
export function isLoopback (address: string): boolean {
  return loopback.some(range => range.has(address))
}

/** The same for a host, which may be a name: `localhost`, in any letter case. */
export function isLoopbackHost (host: string): boolean {
  return host.toLowerCase() === 'localhost' || isLoopback(host)
}
