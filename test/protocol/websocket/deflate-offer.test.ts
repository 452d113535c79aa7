import t from 'tap'
import { acceptDeflate } from '../../../src/protocol/websocket/deflate-offer.ts'

const answer = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'

const offers: Array<[offer: string | undefined, answer: string]> = [
  [undefined, ''],
  ['', ''],
  ['permessage-deflate', answer],
  ['permessage-deflate; client_max_window_bits', answer],
  ['permessage-deflate ;client_max_window_bits=10', answer],
  ['permessage-deflate; client_max_window_bits="15"; server_no_context_takeover', answer],
  ['permessage-deflate; server_max_window_bits=15', `${answer}; server_max_window_bits=15`],
  ['permessage-deflate; server_max_window_bits=10', `${answer}; server_max_window_bits=10`],
  ['permessage-deflate; client_max_window_bits; server_max_window_bits="9"', `${answer}; server_max_window_bits=9`],
  ['permessage-deflate; server_max_window_bits=14, permessage-deflate', `${answer}; server_max_window_bits=14`],
  ['permessage-deflate; server_max_window_bits=8, permessage-deflate', answer],
  ['permessage-deflate; server_max_window_bits=8', ''],
  ['permessage-deflate; server_max_window_bits=16', ''],
  ['permessage-deflate; server_max_window_bits', ''],
  ['x-webkit-deflate-frame, permessage-deflate', answer],
  ['permessage-deflate; unknown', ''],
  ['permessage-deflate; client_max_window_bits=16', ''],
  ['permessage-deflate; client_max_window_bits=7', ''],
  ['permessage-deflate; server_no_context_takeover; server_no_context_takeover', ''],
  ['permessage-deflate; server_no_context_takeover=1', ''],
  ['Permessage-Deflate', ''],
  ['permessage-bzip2', '']
]

for (const [offer, wanted] of offers) {
  t.test(`the response to '${offer}' is '${wanted}'`, async t => {
    const accepted = acceptDeflate(offer)
    t.equal(accepted?.response ?? '', wanted)
    const [, windowBits = 15] = /server_max_window_bits=(\d+)/.exec(wanted) ?? []
    t.equal(accepted?.windowBits, wanted === '' ? undefined : Number(windowBits))
  })
}
