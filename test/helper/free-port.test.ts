import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'
import t from 'tap'
import { freePort } from './free-port.ts'

t.test('a free port is below the ephemeral range, so no outgoing connection takes it', async t => {
  const server = createServer().listen(0, '127.0.0.1')
  await once(server, 'listening')
  const socket = connect((server.address() as AddressInfo).port, '127.0.0.1')
  await once(socket, 'connect')
  for (let count = 0; count < 20; count++) t.ok(await freePort() < Math.min(socket.localPort!, 32_768))
  socket.destroy()
  server.close()
})
