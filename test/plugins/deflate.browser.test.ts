import t from 'tap'
import { needsBrowser, openPage } from '../helper/browser/browser.ts'
import { modes, openServer } from '../helper/sockets/modes.ts'

/** What a page reports: the extensions agreed on, and for each message whether its echo is equal. */
interface Findings { extensions: string, isSame: boolean[] }

t.test('a browser exchanges compressed messages', needsBrowser, async t => {
  const { page, problems } = await openPage(t)
  for (const mode of modes) {
    await t.test(mode, async t => {
      const server = await openServer(t, mode, { perMessageDeflate: true, allowedOrigins: '*', outputBufferKb: 1024 })
      server.on('packet', (id, bytes, isText) => { server.getPeer(id).send(bytes, isText) })
      const { extensions, isSame } = await page.evaluate(async url => await new Promise<Findings>((resolve, reject) => {
        const random = crypto.getRandomValues(new Uint8Array(65536))
        const messages = ['', 'short', 'long enough to be worth it; '.repeat(
          2000
        ), 'ü😀'.repeat(1000), new Uint8Array(0), new Uint8Array(65536), random]
        const socket = new (globalThis as any).WebSocket(url)
        const isSame: boolean[] = []
        const bytesOf = (message: string | Uint8Array | ArrayBuffer): string =>
          typeof message === 'string' ? `text ${message}` : `bytes ${new Uint8Array(message as ArrayBuffer).join()}`
        socket.binaryType = 'arraybuffer'
        socket.onopen = () => { for (const message of messages) socket.send(message) }
        socket.onclose = ({ code }: { code: number }) => {
          reject(new Error(`closed with ${code} after ${isSame.length} messages`))
        }
        socket.onmessage = ({ data }: { data: string | ArrayBuffer }) => {
          isSame.push(bytesOf(data) === bytesOf(messages[isSame.length]))
          if (isSame.length === messages.length) resolve({ extensions: socket.extensions, isSame })
        }
      }), `ws://127.0.0.1:${server.port}/ws`)
      t.match(extensions, 'permessage-deflate')
      t.same(isSame, new Array(7).fill(true))
      t.same(problems, [])
    })
  }
})
