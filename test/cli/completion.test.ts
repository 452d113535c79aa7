import { spawnSync } from 'node:child_process'
import t, { type Test } from 'tap'
import { command } from '../helper/programs/command.ts'
import { commandFolder } from '../helper/programs/command-folder.ts'

/** The words of a command line, candidates for the last one, and words that must not be among them. */
type Line = [words: string[], expected: string[], not?: string[]]

const lines: Line[] = [
  [['re'], ['refuse']],
  [['b'], ['bans', 'ban']],
  [['refuse', ''], ['on', 'off', '--url']],
  [['refuse', '--server', 'godot4', ''], ['on', 'off']],
  [['refuse', '--server', 'godot4', 'on', ''], ['--url'], ['on', 'off']],
  [['peers', '--so'], ['--sort']],
  [['peers', '--sort', 'bytes'], ['bytesIn', 'bytesOut']],
  [['peers', '--order', ''], ['asc', 'desc']],
  [['rooms', 'c'], ['change', 'close']],
  [['rooms', 'open', '--locked', ''], ['yes', 'no']],
  [['rooms', 'close', 'arena', '--re'], ['--reason']],
  [['send', '--raw', '--'], ['--text', '--room'], ['--raw']],
  [['completion', ''], ['bash', 'zsh', 'fish']]
]
/** Those that a shell might pass on wrongly: with an empty word, with `--`, and with several words. */
const shellLines = lines.filter(([words]) => ['', '--', '--re'].includes(words.at(-1)!))

/** Checks the candidates of each line. */
function check (t: Test, lines: readonly Line[], candidates: readonly string[][]): void {
  for (const [index, [words, expected, not = []]] of lines.entries()) {
    const found = candidates[index]
    for (const one of expected) t.ok(found.includes(one), `${words.join(' ')}: ${one} in ${found.join(' ')}`)
    for (const one of not) t.notOk(found.includes(one), `${words.join(' ')}: no ${one}`)
  }
}

t.test('completes commands, options, and values where there is a list of them', async t => {
  const outputs = await Promise.all(lines.map(async ([words]) => (await command(['complete', '--', ...words])).output))
  check(t, lines, outputs.map(output => output.trim().split('\n')))
  for (const shell of Object.keys(shells)) {
    t.match(await command(['completion', shell]), { code: 0, output: /complete -- / }, shell)
  }
})

/** How a shell completes a line as if Tab was pressed: it prints the candidates. */
interface Shell { readonly options: string[], readonly prepare: string, readonly complete: (words: string[]) => string }

const shells: Record<string, Shell> = {
  bash: {
    options: [],
    prepare: `source <(fastify-peer-server completion bash)
      complete=$(complete -p fastify-peer-server | sed 's/.*-F \\([^ ]*\\) .*/\\1/')`,
    complete: words => `COMP_WORDS=(fastify-peer-server ${words.map(quote).join(' ')}); COMP_CWORD=${words.length}
      COMPREPLY=(); $complete; printf '%s\\n' "\${COMPREPLY[@]}"`
  },
  zsh: {
    options: ['-f'],
    prepare: `autoload -Uz compinit && compinit -u -D
      source <(fastify-peer-server completion zsh)
      compadd () { shift; printf '%s\\n' "$@" }`,
    complete: words => `words=(fastify-peer-server ${words.map(quote).join(' ')}); CURRENT=${words.length + 1}
      \${_comps[fastify-peer-server]}`
  },
  fish: {
    options: ['--no-config'],
    prepare: 'fastify-peer-server completion fish | source',
    complete: words => `complete -C ${quote(['fastify-peer-server', ...words].join(' '))}`
  }
}

for (const [program, { options, prepare, complete }] of Object.entries(shells)) {
  const isMissing = spawnSync(program, ['--version']).status !== 0
  t.test(`works when sourced in ${program}`, { skip: isMissing && `${program} is not installed` }, async t => {
    const env = { ...process.env, PATH: `${commandFolder(t)}:${process.env.PATH!}`, NODE_V8_COVERAGE: '' }
    const script = [prepare, ...shellLines.map(([words]) => `${complete(words)}\necho ---`)].join('\n')
    const { stdout, stderr } = spawnSync(program, [...options, '-c', script], { encoding: 'utf8', env })
    t.equal(stderr, '')
    check(t, shellLines, stdout.split('---\n').map(part => part.trim().split('\n').map(line => line.split('\t')[0])))
  })
}

function quote (word: string): string {
  return `'${word}'`
}
