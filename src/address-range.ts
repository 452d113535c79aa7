import ipaddr from 'ipaddr.js'

/** An IP address as integers of 32 bits: one of IPv4, also mapped into IPv6, four of IPv6. */
export type AddressWords = readonly number[]

/** A range of IP addresses. */
export interface AddressRange {
  /** First address, prefix length, and both in canonical CIDR notation (for a single address just the address). */
  readonly network: AddressWords
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
  const words = more.length > 0 ? undefined : wordsOf(address)
  if (words === undefined || (bits !== undefined && !/^(0|[1-9]\d*)$/.test(bits))) return undefined
  const length = bits === undefined ? widthOf(words) : Number(bits)
  const network = networkOf(words, length)
  if (network === undefined) return undefined
  const first = textOf(network)
  return {
    network,
    length,
    text: length === widthOf(words) ? first : `${first}/${length}`,
    has: containment(network, length)
  }
}

/** Whether an address is in the range. Lists call it for every peer. */
function containment (network: AddressWords, length: number): (address: string) => boolean {
  const masks = network.map((_, at) => maskOf(length - 32 * at))
  return address => {
    const words = wordsOf(address)
    return words?.length === network.length && network.every((word, at) => (words[at] & masks[at]) === word)
  }
}

let last: { readonly text: string, readonly words: AddressWords | undefined } = { text: '', words: undefined }

/** Parses an address; undefined for anything else. A handshake does so often with the same one, so that is known. */
export function wordsOf (address: string): AddressWords | undefined {
  if (address !== last.text) last = { text: address, words: parseWords(address) }
  return last.words
}

/** Rejects shorthands of IPv4 (127.1, 0x7f000001). */
function parseWords (text: string): AddressWords | undefined {
  const parts = fourParts.exec(text)
  if (parts !== null) return [wordOf(parts.slice(1).map(Number))]
  if (!text.includes(':') || !ipaddr.IPv6.isValid(text)) return undefined
  const bytes = ipaddr.process(text).toByteArray()
  return Array.from({ length: bytes.length / 4 }, (_, at) => wordOf(bytes.slice(4 * at, 4 * at + 4)))
}

/** The integer of four bytes. */
function wordOf (bytes: readonly number[]): number {
  return bytes.reduce((word, byte) => word << 8 | byte, 0)
}

/** First address with the same `length` leading bits; undefined for an address with fewer bits. */
export function networkOf (words: AddressWords, length: number): AddressWords | undefined {
  return length > widthOf(words) ? undefined : words.map((word, at) => word & maskOf(length - 32 * at))
}

/** The canonical form of an address. */
export function textOf (words: AddressWords): string {
  return ipaddr.fromByteArray(words.flatMap(word => [24, 16, 8, 0].map(shift => word >>> shift & 0xff))).toString()
}

function widthOf (words: AddressWords): number {
  return 32 * words.length
}

/** The upper `length` bits of an integer; none of them if it is negative, all above 32. */
function maskOf (length: number): number {
  return length <= 0 ? 0 : -1 << Math.max(0, 32 - length)
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
  const words = wordsOf(address)
  return words === undefined ? undefined : textOf(words)
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
