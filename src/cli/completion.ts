import { type Command, commonOptions, defineCommand, type Option, UsageError } from './command.ts'
import { printLines } from './print-lines.ts'

/** Scripts that make shells ask `fastify-peer-server complete -- <words>` for candidates, one in each line. */
const scripts = {
  bash: `_fastify_peer_server () {
  local IFS=$'\\n'
  COMPREPLY=($(compgen -W "$("\${COMP_WORDS[0]}" complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)" -- \\
    "\${COMP_WORDS[COMP_CWORD]}"))
}
complete -F _fastify_peer_server fastify-peer-server`,
  zsh: `#compdef fastify-peer-server
_fastify_peer_server () {
  compadd -- \${(f)"$("\${words[1]}" complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)"}
}
compdef _fastify_peer_server fastify-peer-server`,
  fish: 'complete -c fastify-peer-server -f -a ' +
    '\'(fastify-peer-server complete -- (commandline -opc)[2..-1] (commandline -ct))\''
} as const

const shells = Object.keys(scripts) as Array<keyof typeof scripts>

/** Prints a script with completions. */
export const completion = defineCommand('Prints completions: source them in your shell', `<${shells.join('|')}>`, {
}, async ({ operands: [name, ...more], line: { output } }) => {
  const shell = shells.find(one => one === name)
  if (shell === undefined || more.length > 0) throw new UsageError(`expected one of ${shells.join(', ')}`)
  printLines(output, scripts[shell].split('\n'))
}, [shells])

/** What may stand in place of the last of these words, which is being typed. */
export function candidatesFor (
  commands: Readonly<Record<string, Command>>, words: readonly string[]
): string[] {
  const current = words.at(-1) ?? ''
  return allCandidates(commands, words.slice(0, -1)).filter(candidate => candidate.startsWith(current))
}

function allCandidates (commands: Readonly<Record<string, Command>>, before: readonly string[]): string[] {
  const name = [2, 1].map(count => before.slice(0, count).join(' ')).find(name => Object.hasOwn(commands, name))
  if (name === undefined) return before.length === 0 ? firstWords(commands) : []
  const { options, operands } = commands[name]
  const all: Readonly<Record<string, Option>> = { ...options, ...commonOptions }
  const awaited = optionAwaitingValue(all, before.at(-1)!)
  if (awaited !== undefined) return [...awaited.values ?? []]
  const rest = before.slice(name.split(' ').length)
  const given = rest.filter((word, index) =>
    !word.startsWith('-') && optionAwaitingValue(all, rest[index - 1] ?? '') === undefined).length
  return [
    ...operands[given] ?? [],
    ...secondWords(commands, before.join(' ')),
    ...Object.keys(all).map(one => `--${one}`).filter(one => !before.includes(one))
  ]
}

/** The option that a word names, if the next word is its value. */
function optionAwaitingValue (all: Readonly<Record<string, Option>>, word: string): Option | undefined {
  const name = word.startsWith('--') ? word.slice(2) : ''
  return Object.hasOwn(all, name) && all[name].placeholder !== undefined ? all[name] : undefined
}

function firstWords (commands: Readonly<Record<string, Command>>): string[] {
  return [...new Set(Object.keys(commands).map(name => name.split(' ')[0])), '--help', '--version']
}

/** The second words of commands of two words that begin with this one. */
function secondWords (commands: Readonly<Record<string, Command>>, name: string): string[] {
  return Object.keys(commands).filter(one => one.startsWith(`${name} `)).map(one => one.slice(name.length + 1))
}
