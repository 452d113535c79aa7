import { join } from 'node:path'
import t from 'tap'
import { root } from '../../scripts/root.ts'
import { freePort } from '../helper/free-port.ts'
import { startExample, startGodotProject } from '../helper/programs/running-program.ts'
import { skipWithout } from '../helper/programs/skip-without.ts'

t.test('two real players see each other move, and who leaves', skipWithout('godot3-server'), async t => {
  const port = await freePort()
  const server = startExample(t, 'relay', port)
  await server.until(/listening at/)
  const [ann, ben] = ['Ann', 'Ben'].map(name => startGodotProject(t, join(root, 'examples/relay/godot'),
    `--server=ws://127.0.0.1:${port}/ws`, `--name=${name}`, '--bot'))
  await ann.until(/^SEES Ben$/)
  await ben.until(/^SEES Ann$/)
  const errors = (): string[] => [ann, ben].flatMap(({ lines }) => lines.filter(line => /error/i.test(line)))
  t.same(errors(), [])
  await ben.kill()
  await ann.until(/^LEFT Ben$/)
  // Godot handles a departure before packets that it has read in the same poll, whose sender it then does not know.
  t.same(errors().filter(line => !line.includes('Invalid packet received')), [])
  await server.kill('SIGTERM')
  // Godot 3.2 calls it a failed connection when there was no close frame.
  await ann.until(/^(server_disconnected|connection_failed)$/)
})
