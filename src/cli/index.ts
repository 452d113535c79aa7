import { createRequire } from 'node:module'
import { type Command, type CommandLine, common, describe, UsageError } from './command.ts'
import { explain } from './explain.ts'
import { printable } from './format.ts'
import { kick } from './kick.ts'
import { peers } from './peers.ts'
import { send } from './send.ts'
import { watch } from './watch.ts'

const commands: Readonly<Record<string, Command>> = { peers, kick, send, watch }

/** What is answered instead of running a command. */
const answers: Readonly<Record<string, () => string>> = { '--help': usage, '-h': usage, help: usage, '--version': version }

/** Runs a command of the terminal; resolves with the exit code: 1 when the service refuses or is not there, 2 for what cannot be asked. */
export async function run (line: CommandLine): Promise<number> {
  const [name, ...args] = line.args
  try {
    if (Object.hasOwn(answers, name)) line.output.write(answers[name]())
    else await commandOf(name).run(name, args, line)
    return 0
  } catch (error) {
    const lines = explain(error, Object.hasOwn(commands, name) ? name : undefined).split('\n')
    line.errors.write(lines.map(text => `${printable(text)}\n`).join(''))
    return error instanceof UsageError ? 2 : 1
  }
}

function commandOf (name: string): Command {
  if (Object.hasOwn(commands, name)) return commands[name]
  throw new UsageError(`${name}: no such command${name.startsWith('-') ? '; the service itself is set up by its environment' : ''}`)
}

function usage (): string {
  return [
    'Usage: fastify-peer-server                      starts the service (docs/service.md)',
    '       fastify-peer-server <command> [options]  asks one that runs',
    '',
    ...Object.entries(commands).map(([name, { about }]) => `  ${name.padEnd(6)} ${about}`),
    '',
    'Options of every command; --help behind it tells of its own:',
    ...describe(common),
    ''
  ].join('\n')
}

function version (): string {
  const { version } = createRequire(import.meta.url)('fastify-peer-server/package.json') as { version: string }
  return `${version}\n`
}
