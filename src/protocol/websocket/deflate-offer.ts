/** What a server accepts of a client's offer of permessage-deflate (RFC 7692 section 7.1). */
export interface AcceptedDeflate {
  /** The header `Sec-WebSocket-Extensions` of the response. */
  readonly response: string
  /** Largest LZ77 window that the server may compress with, 9 to 15 bits. */
  readonly windowBits: number
}

/**
 * The parameters that this server accepts. It compresses each message by itself and inflates with the largest window,
 * so only the window of its own messages has to be kept; zlib cannot compress with one of 8 bits.
 */
const acceptable = [
  /^server_no_context_takeover$/,
  /^client_no_context_takeover$/,
  /^client_max_window_bits(?:="?(?:[89]|1[0-5])"?)?$/,
  /^server_max_window_bits="?(?:9|1[0-5])"?$/
]

const MAX_WINDOW_BITS = 15
const response = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'

/**
 * The first offer of permessage-deflate in a `Sec-WebSocket-Extensions` header that can be accepted; undefined without
 * one.
 */
export function acceptDeflate (offers: string | undefined): AcceptedDeflate | undefined {
  const offer = (offers ?? '').split(',').map(one => one.split(';').map(part => part.trim())).find(isAcceptable)
  if (offer === undefined) return undefined
  const bits = offer.map(parameter => /^server_max_window_bits="?(\d+)/.exec(parameter)?.[1])
    .find(digits => digits !== undefined)
  if (bits === undefined) return { response, windowBits: MAX_WINDOW_BITS }
  return { response: `${response}; server_max_window_bits=${bits}`, windowBits: Number(bits) }
}

function isAcceptable ([name, ...parameters]: string[]): boolean {
  const names = new Set(parameters.map(parameter => parameter.split('=', 1)[0]))
  return name === 'permessage-deflate' && names.size === parameters.length &&
    parameters.every(parameter => acceptable.some(pattern => pattern.test(parameter)))
}
