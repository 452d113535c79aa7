import { on, once } from 'node:events'
import t, { type Test } from 'tap'
import WebSocket from 'ws'
import { encodeRelayPacket } from '../src/protocol/multiplayer/relay-packet.ts'
import { encodeVariant } from '../src/protocol/variant/variant.ts'
import { checkTypes, readExamples, runExample, startExample } from './helper/doc-examples.ts'
import { freePort } from './helper/free-port.ts'

/**
 * What the examples of README.md must do: their port (3000 or 9080) is replaced by a free one, and while one runs the
 * check of its name must pass.
 */
const checks: Record<string, (t: Test, port: number) => Promise<void>> = {
  async mounted (t, port) {
    await echoes(t, port)
    t.equal((await fetch(`http://127.0.0.1:${port}/api/v1/peers`)).status, 401)
  },

  async service (t, port) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`)
    const [frame] = await once(socket, 'message')
    t.equal(frame[0], 3, 'the first frame tells a player its id')
    socket.terminate()
    t.equal((await fetch(`http://127.0.0.1:${port}/healthz`)).status, 200)
  },

  alone: echoes,

  async typescript (t, port) {
    for (const path of ['/ws', '/ws4']) {
      const socket = new WebSocket(`ws://127.0.0.1:${port}${path}`)
      await once(socket, 'message')
      socket.terminate()
    }
  },

  async member (t, port) {
    const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`)
    const [hello] = await once(socket, 'message')
    const id = hello.readInt32LE(9)
    const name = encodeVariant('Ann')
    // rpc("join", "Ann") on /root/Main, as Godot calls the first time: with the path at the end.
    const call =
      Buffer.concat([Buffer.of(0), Buffer.alloc(4), Buffer.from('join\0'), Buffer.of(1), name, Buffer.from('Main\0')])
    call.writeUInt32LE(0x80000000 + call.length - 5, 1)
    socket.send(encodeRelayPacket(0, id, 1, call))
    const heard = new Set<string>()
    for await (const [data] of on(socket, 'message')) {
      for (const member of ['scores', 'coin', 'state']) if (data.includes(`${member}\0`)) heard.add(member)
      if (heard.size === 3) break
    }
    t.same([...heard].sort(), ['coin', 'scores', 'state'])
    socket.terminate()
  }
}

/** Examples that end by themselves, and what they print. */
const programs: Record<string, RegExp> = { testing: /^(#|ℹ) pass 1$/m }

const examples = await readExamples('README.md')

t.test('every marked example has a check and vice versa', async t => {
  t.same(examples.map(({ name }) => name).sort(), Object.keys({ ...checks, ...programs }).sort())
})

for (const { name, language, code } of examples) {
  t.test(`the example ${name} works`, async t => {
    if (name in programs) {
      const { code: exitCode, output } = await runExample(t, { name, language, code })
      t.equal(exitCode, 0, output)
      t.match(output, programs[name])
      return
    }
    const port = await freePort()
    await startExample(t, { name, language, code: code.replaceAll(/\b(3000|9080)\b/g, String(port)) }, [port])
    await checks[name](t, port)
  })
}

t.test('the examples type check', async t => {
  t.equal(await checkTypes(examples), 0)
})

async function echoes (t: Test, port: number): Promise<void> {
  const socket = new WebSocket(`ws://127.0.0.1:${port}/ws`, 'chat')
  await once(socket, 'open')
  socket.send('hello')
  const [echo] = await once(socket, 'message')
  t.equal(echo.toString(), 'hello')
  socket.terminate()
}
