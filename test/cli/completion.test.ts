import { execFileSync, spawnSync } from 'node:child_process'
import { join } from 'node:path'
import t from 'tap'
import { commandFolder } from '../helper/command-folder.ts'

const lines: Array<[words: string[], expected: string[], not?: string[]]> = [
  [['re'], ['refuse']],
  [['b'], ['bans', 'ban']],
  [['refuse', ''], ['on', 'off', '--url']],
  [['peers', '--so'], ['--sort']],
  [['peers', '--sort', 'bytes'], ['bytesIn', 'bytesOut']],
  [['peers', '--order', ''], ['asc', 'desc']],
  [['rooms', 'cl'], ['close']],
  [['rooms', 'close', 'arena', '--re'], ['--reason']],
  [['send', '--raw', '--'], ['--text', '--room'], ['--raw']],
  [['completion', ''], ['bash', 'zsh', 'fish']]
]

t.test('completes commands, options, and values where there is a list of them', async t => {
  const command = join(commandFolder(t), 'fastify-peer-server')
  for (const [words, expected, not = []] of lines) {
    const found = execFileSync(command, ['complete', '--', ...words], { encoding: 'utf8' }).trim().split('\n')
    for (const one of expected) t.ok(found.includes(one), `${words.join(' ')}: ${one} in ${found.join(' ')}`)
    for (const one of not) t.notOk(found.includes(one), `${words.join(' ')}: no ${one}`)
  }
})

/** What each shell needs to complete a line as if Tab was pressed: prints the candidates. */
const shells: Record<string, (words: string[]) => [program: string, args: string[]]> = {
  bash: words => ['bash', ['-c', `
    source <(fastify-peer-server completion bash)
    COMP_WORDS=(fastify-peer-server ${words.map(quote).join(' ')}); COMP_CWORD=${words.length}
    $(complete -p fastify-peer-server | sed 's/.*-F \\([^ ]*\\) .*/\\1/')
    printf '%s\\n' "\${COMPREPLY[@]}"`]],
  zsh: words => ['zsh', ['-fc', `
    autoload -Uz compinit && compinit -u -D
    source <(fastify-peer-server completion zsh)
    compadd () { shift; printf '%s\\n' "$@" }
    words=(fastify-peer-server ${words.map(quote).join(' ')}); CURRENT=${words.length + 1}
    \${_comps[fastify-peer-server]}`]],
  fish: words => ['fish', ['--no-config', '-c', `
    fastify-peer-server completion fish | source
    complete -C ${quote(['fastify-peer-server', ...words].join(' '))}`]]
}

for (const [shell, lineOf] of Object.entries(shells)) {
  const isMissing = spawnSync(shell, ['--version']).status !== 0
  t.test(`works when sourced in ${shell}`, { skip: isMissing && `${shell} is not installed` }, async t => {
    const folder = commandFolder(t)
    for (const [words, expected, not = []] of lines) {
      const [program, args] = lineOf(words)
      const env = { ...process.env, PATH: `${folder}:${process.env.PATH!}` }
      const { stdout, stderr } = spawnSync(program, args, { encoding: 'utf8', env })
      const found = stdout.trim().split('\n').map(line => line.split('\t')[0])
      for (const one of expected) t.ok(found.includes(one), `${words.join(' ')}: ${one} in ${stdout}${stderr}`)
      for (const one of not) t.notOk(found.includes(one), `${words.join(' ')}: no ${one}`)
    }
  })
}

function quote (word: string): string {
  return `'${word}'`
}
