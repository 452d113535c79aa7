import t, { type Test } from 'tap'
import { commandFolder } from '../helper/programs/command-folder.ts'
import { startHost } from '../helper/host.ts'
import { skipWithout } from '../helper/programs/skip-without.ts'
import { Terminal } from '../helper/programs/terminal.ts'

// The command line in a terminal that draws it, at the prompt of real shells.

const needsTmux = skipWithout('tmux')
const COLOUR = /\u001B\[[\d;]*m/ // oxlint-disable-line no-control-regex

/** A terminal with the command in its PATH. */
async function openTerminal (
  t: Test, shell: string, columns: number, rows: number, env: Readonly<Record<string, string>> = {}
): Promise<Terminal> {
  return await Terminal.open(t, shell, columns, rows, { PATH: `${commandFolder(t)}:${process.env.PATH!}`, ...env })
}

t.test('watch draws the server, and gives the terminal back', needsTmux, async t => {
  const { join, port } = await startHost(t)
  const { id } = await join()
  const terminal = await openTerminal(t, 'sh', 100, 30, { PEER_SERVER_URL: `http://127.0.0.1:${port}` })
  await terminal.type('echo typed before; fastify-peer-server watch')
  await terminal.press('Enter')

  await t.test('watch begins with recent events', async t => {
    await terminal.shows(new RegExp(`Events\\n.*joined ${id} from 127\\.0\\.0\\.1`))
    await terminal.shows(new RegExp(`Id .* Protocol\\s*\\n\\s*${id} `))
    t.same(await terminal.state(), { isAlternate: true, hasCursor: false })
    t.notMatch((await terminal.rows()).join('\n'), /typed before/)
  })

  await t.test('watch has colours', async t => {
    const [, status] = await terminal.rows({ styled: true })
    t.match(status, /^ {2}\u001B\[32m●\u001B\[(39|0)m /) // oxlint-disable-line no-control-regex
  })

  await t.test('events are drawn as they happen', async () => {
    const second = await join()
    await terminal.shows(new RegExp(`Events\\n.*joined ${second.id} `))
    await terminal.shows(new RegExp(`^ +${second.id} +127`, 'm'))
    second.socket.close()
    await terminal.shows(new RegExp(`Events\\n.*left ${second.id} `))
  })

  await t.test('watch fits the terminal when that is resized', async t => {
    await terminal.resize(60, 16)
    await terminal.shows(/Id +Address +Age ↑ +In *\n/)
    const rows = await terminal.rows()
    t.equal(rows.length, 16)
    t.match(rows[1], /^ {2}● listening for /)
    t.ok(rows.every(row => row.length <= 60))
    t.equal(rows.filter(row => /^ +Events/.test(row)).length, 1, 'nothing is left of the larger one')
    await terminal.resize(120, 40)
    await terminal.shows(/Age ↑ +In +Out +Buffer +Protocol/)
  })

  await t.test('keys sort and pause', async () => {
    await terminal.press('s')
    await terminal.shows(/Age +In ↓/)
    // An arrow, which is ignored.
    await terminal.press('Down', 'p')
    await terminal.shows(/paused · p resume/)
    await terminal.press('p')
    await terminal.shows(/s sort · p pause/)
  })

  await t.test('q and Ctrl-C bring back the shell as it was', async t => {
    for (const key of ['q', 'C-c']) {
      await terminal.press(key)
      await terminal.shows(/typed before/)
      t.same(await terminal.state(), { isAlternate: false, hasCursor: true })
      await terminal.type(`echo "${key} ended with $?"`)
      await terminal.press('Enter')
      // What is typed before the shell has written its prompt stands before that.
      await terminal.shows(new RegExp(`${key} ended with 0$`, 'm'))
      if (key === 'C-c') return
      await terminal.type('fastify-peer-server watch')
      await terminal.press('Enter')
      await terminal.shows(/listening for/)
    }
  })
})

t.test('watch has no colours with NO_COLOR', needsTmux, async t => {
  const { join, port } = await startHost(t)
  const { id } = await join()
  const env = { PEER_SERVER_URL: `http://127.0.0.1:${port}`, NO_COLOR: '1' }
  const terminal = await openTerminal(t, 'exec fastify-peer-server watch', 80, 24, env)
  await terminal.shows(new RegExp(`joined ${id}`))
  t.notMatch((await terminal.rows({ styled: true })).join('\n'), COLOUR)
})

/** How each shell is started without files of its user, and how it reads the completions. */
const shells: Record<string, { start: string, source: string }> = {
  bash: { start: 'bash --norc', source: 'source <(fastify-peer-server completion bash)' },
  zsh: {
    start: 'zsh -f', source: 'autoload -Uz compinit && compinit -u -D && source <(fastify-peer-server completion zsh)'
  },
  fish: { start: 'fish --no-config', source: 'fastify-peer-server completion fish | source' }
}

for (const [shell, { start, source }] of Object.entries(shells)) {
  t.test(`Tab completes at the prompt of ${shell}`, skipUnlessBoth(shell), async t => {
    const terminal = await openTerminal(t, start, 100, 30)
    await terminal.type(`${source}; echo rea''dy`)
    await terminal.press('Enter')
    await terminal.shows(/^ready$/m)
    for (const [typed, completed] of [['ref', 'refuse'], ['peers --so', 'peers --sort'], ['rooms cl', 'rooms close']]) {
      await terminal.type(`fastify-peer-server ${typed}`)
      await terminal.press('Tab')
      await terminal.shows(new RegExp(`fastify-peer-server ${completed}( |$)`, 'm'))
      await terminal.press('C-u')
    }
  })
}

function skipUnlessBoth (shell: string): { skip: string | false } {
  // Every Debian has bash.
  return needsTmux.skip !== false || shell === 'bash' ? needsTmux : skipWithout(shell)
}
