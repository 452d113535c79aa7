import t from 'tap'
import { modes, openServer } from '../helper/sockets/modes.ts'
import { connectRaw, upgradeRequest } from '../helper/sockets/raw-socket.ts'
import { conform, echo, options } from './conform.ts'
import { deflateCases, offerCases, offers } from './deflate-cases.ts'

const [[offer]] = offers
const header = 'Sec-WebSocket-Extensions'

for (const mode of modes) {
  t.test(`an echo server that compresses follows RFC 7692 (${mode})`, async t => {
    const server = await openServer(t, mode, { ...options, perMessageDeflate: true })
    echo(server)
    await conform(t, server, connectRaw, { cases: deflateCases, headers: { [header]: offer } })
  })
}

t.test('each offer gets its response, and messages that it allows are understood', async t => {
  const server = await openServer(t, 'own', { ...options, perMessageDeflate: true })
  echo(server)
  for (const [at, [offer, answer, options]] of offers.entries()) {
    await t.test(offer, async t => {
      const raw = await connectRaw(t, server.port)
      raw.send(upgradeRequest('/ws', { [header]: offer }))
      t.equal((await raw.head()).headers[header.toLowerCase()], answer)
      raw.socket.destroy()
      await conform(t, server, connectRaw, {
        cases: offerCases(`13.${at + 1}`, options, answer !== undefined),
        headers: { [header]: offer }
      })
    })
  }
})
