import t from 'tap'
import { answerDeflate } from '../../../src/protocol/websocket/deflate-offer.ts'

const answer = 'permessage-deflate; server_no_context_takeover; client_no_context_takeover'

const offers: Array<[offer: string | undefined, answer: string]> = [
  [undefined, ''],
  ['', ''],
  ['permessage-deflate', answer],
  ['permessage-deflate; client_max_window_bits', answer],
  ['permessage-deflate ;client_max_window_bits=10', answer],
  ['permessage-deflate; client_max_window_bits="15"; server_no_context_takeover', answer],
  ['permessage-deflate; server_max_window_bits=15', `${answer}; server_max_window_bits=15`],
  ['permessage-deflate; server_max_window_bits=10', ''],
  ['permessage-deflate; server_max_window_bits=10, permessage-deflate', answer],
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
  t.test(`${offer} is answered with '${wanted}'`, async t => {
    t.equal(answerDeflate(offer), wanted)
  })
}
