import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import t from 'tap'
import { WebSocket } from 'ws'
import { freePort } from '../helper/free-port.ts'
import { startExample } from '../helper/programs/running-program.ts'
import { skipWithout } from '../helper/programs/skip-without.ts'

const CLIENT = '127.0.0.2'

const skip = [skipWithout('nginx'), skipWithout('openssl')].find(({ skip }) => skip !== false)

t.test('a player joins with wss through nginx, with its own address', { ...skip }, async t => {
  const port = await freePort()
  const example = startExample(t, 'behind-nginx', port)
  const [, certificate] = await example.until(/wss:.* certificate ([^"]+)/)
  const ca = readFileSync(certificate)
  // nginx may still be starting.
  const join = async (): Promise<WebSocket> => {
    const socket = new WebSocket(`wss://localhost:${port}/ws`, { ca, localAddress: CLIENT, family: 4 })
    try {
      await once(socket, 'open')
      return socket
    } catch {
      return await join()
    }
  }
  const socket = await join()
  await example.until(new RegExp(`"address":"${CLIENT}".*a player joined`))
  const closed = once(socket, 'close')
  await example.kill('SIGTERM')
  t.type((await closed)[0], 'number', 'both have ended')
})
