import { cpSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { root } from '../../scripts/root.ts'
import { freePort } from '../helper/free-port.ts'
import { startExample, startGodotProject } from '../helper/programs/running-program.ts'
import { skipWithout } from '../helper/programs/skip-without.ts'
import { temporaryFolder } from '../helper/temporary-folder.ts'

const folder = join(root, 'examples/lobby/godot')
const script = readFileSync(join(folder, 'lobby.gd'), 'utf8')

t.test('the script is that of docs/rooms.md', async t => {
  const page = readFileSync(join(root, 'docs/rooms.md'), 'utf8')
  t.ok(page.includes(`\`\`\`gdscript\n${script}\`\`\``))
})

t.test('real players who ask for a quick match meet in rooms of four', skipWithout('godot3-server'), async t => {
  const port = await freePort()
  await startExample(t, 'lobby', port).until(/listening at/)
  const project = temporaryFolder(t)
  cpSync(folder, project, { recursive: true })
  writeFileSync(join(project, 'lobby.gd'), script.replaceAll('127.0.0.1:3000', `127.0.0.1:${port}`))
  const players = Array.from({ length: 4 }, () => startGodotProject(t, project, '--bot'))
  for (const player of players) await player.until(/^4 players are here$/)
  const fifth = startGodotProject(t, project, '--bot')
  await fifth.until(/^1 players are here$/)
  for (const { lines } of [...players, fifth]) t.same(lines.filter(line => /error/i.test(line)), [])
  const { items } = await (await fetch(`http://127.0.0.1:${port}/lobby/rooms`)).json() as { items: object[] }
  t.match(items, [{ peers: 1, maxPeers: 4 }], 'the full room is not listed')
})
