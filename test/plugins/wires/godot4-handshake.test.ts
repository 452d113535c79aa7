import t from 'tap'
import { listeningApp } from '../../helper/app.ts'
import { acceptKeyOf, sendUpgradeRequest, responseFault, headersOf } from '../../helper/godot/godot4-socket.ts'
import { until } from '../../helper/until.ts'
import { readVectors } from '../../helper/random/variant-vectors.ts'

/** Upgrade requests of real Godot 4 clients, and the responses of a real Godot 4 server. */
interface Frame { conn: string, dir: string, http?: string, hex?: string }
interface Session {
  title: string
  ids: Record<string, number>
  steps: Array<{ step: string, frames: Frame[], result: { ret: unknown } }>
}
const options = { path: '/', gdMpApi: true, wire: 'godot4', closeTimeout: 0.2, allowedOrigins: '*' } as const

const { steps, sessions, handshake } =
  readVectors<Omit<Session, 'title'> & { sessions: Session[], handshake: Array<{ request: string }> }>('godot4-session')
const calls = readVectors<Omit<Session, 'title'> & { replication: Session[] }>('godot4-rpc')

const plain = [{ steps }, ...sessions.filter(({ title }) => !title.startsWith('refusing')), calls, ...calls.replication]
const frames = plain.flatMap(({ steps }) => steps).flatMap(({ frames }) => frames)
const requests = frames.filter(({ http, dir }) => http !== undefined && dir === 'client>server')
  .map(({ http }) => http!)
const answers = frames.filter(({ http, dir }) => http !== undefined && dir === 'server>client').map(({ http }) => http!)

t.test('answers every recorded request as Godot did, followed by the id', async t => {
  const { port } = await listeningApp(t, options)
  t.same([requests.length, answers.length], [27, 27])
  for (const request of requests) {
    const { answer, rest, socket } = await sendUpgradeRequest(t, port, request)
    t.same(headersOf(answer), headersOf(answers.find(one => one.includes(acceptKeyOf(request)))!))
    let unread = rest
    socket.on('data', (chunk: Buffer) => { unread = Buffer.concat([unread, chunk]) })
    await until(() => unread.length >= 6)
    t.equal(unread.subarray(0, 2).toString('hex'), '8204')
    socket.destroy()
  }
  for (const { request } of handshake) {
    const { answer, socket } = await sendUpgradeRequest(t, port, request.replace(/Sec-WebSocket-Protocol: .*\r\n/, ''))
    t.equal(responseFault(answer, request.replace(/Sec-WebSocket-Protocol: .*\r\n/, '')), undefined)
    socket.destroy()
  }
})

t.test('refuses the clients that Godot refuses, with a response instead of a reset', async t => {
  const session = sessions.find(({ title }) => title.startsWith('refusing'))!
  const { app: { peerServer: server }, port } = await listeningApp(t, { ...options, protocols: ['beta', 'alpha'] })
  const expected: Record<string, [status: number, protocol?: unknown]> = {
    A: [101, session.steps[0].result.ret],
    B: [400],
    C: [400],
    D: [503]
  }
  let asked = 0
  for (const { step, frames } of session.steps) {
    const [, refuses] = /refuse_new_connections = (\w+)$/.exec(step) ?? []
    if (refuses !== undefined) server.refuseNewConnections = refuses === 'true'
    for (const { conn, dir, http } of frames) {
      if (dir !== 'client>server' || http === undefined) continue
      const { answer, socket } = await sendUpgradeRequest(t, port, http)
      const [status, protocol] = expected[conn]
      t.equal(Number(answer.slice(9, 12)), status, step)
      t.equal(headersOf(answer).get('sec-websocket-protocol'), protocol, step)
      asked++
      socket.destroy()
    }
  }
  t.equal(asked, 4)
  const [later] = session.steps.flatMap(({ frames }) => frames)
    .filter(({ conn, http }) => conn === 'D' && http !== undefined)
  const { answer } = await sendUpgradeRequest(t, port, later.http!)
  t.equal(responseFault(answer, later.http!), undefined, 'once it no longer refuses')
})
