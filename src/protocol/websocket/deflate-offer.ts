/** What a client may ask of permessage-deflate that this server can keep (RFC 7692 section 7.1): it remembers nothing from message to message. */
const keepable = /^(server_no_context_takeover|client_no_context_takeover|client_max_window_bits(="?(8|9|1[0-5])"?)?|server_max_window_bits="?15"?)$/

const answer = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'

/** The answer to a client's extensions: to its first offer of permessage-deflate that can be kept, '' when there is none. */
export function answerDeflate (offers: string | undefined): string {
  const accepted = (offers ?? '').split(',').map(offer => offer.split(';').map(part => part.trim())).find(isKeepable)
  if (accepted === undefined) return ''
  return accepted.some(part => part.startsWith('server_max_window_bits')) ? `${answer}; server_max_window_bits=15` : answer
}

function isKeepable ([name, ...parameters]: string[]): boolean {
  const names = parameters.map(parameter => parameter.split('=', 1)[0])
  return name === 'permessage-deflate' && parameters.every(parameter => keepable.test(parameter)) && new Set(names).size === names.length
}
