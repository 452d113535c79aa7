import { version } from '../package-info.ts'
import { type Command, type CommandLine, commonOptions, optionLines, UsageError } from './command.ts'
import { describeError } from './describe-error.ts'
import { ban, bans, unban } from './commands/bans.ts'
import { candidatesFor, completion } from './completion.ts'
import { kick } from './commands/kick.ts'
import { drainNode, nodes } from './commands/nodes.ts'
import { peers } from './commands/peers.ts'
import { printLines } from './print-lines.ts'
import { changeRoom, closeRoom, openRoom, rooms } from './commands/rooms.ts'
import { send } from './commands/send.ts'
import { listen, refuse, stop } from './commands/server-commands.ts'
import { status } from './commands/status.ts'
import { watch } from './watch.ts'

/** A command of two words belongs to what its first word names. */
const commands: Readonly<Record<string, Command>> = {
  status,
  peers,
  kick,
  rooms,
  'rooms open': openRoom,
  'rooms change': changeRoom,
  'rooms close': closeRoom,
  nodes,
  'nodes drain': drainNode,
  send,
  watch,
  bans,
  ban,
  unban,
  refuse,
  listen,
  stop,
  completion
}

/** Arguments that print something instead of running a command. */
const printers: Readonly<Record<string, () => string[]>> = {
  '--help': helpLines,
  '-h': helpLines,
  help: helpLines,
  '--version': () => [version]
}

/**
 * Runs a command line. Resolves with the exit code: 0, 1 when the service rejects the request, or it or a node of its
 * cluster cannot be reached, 2 when the command line is invalid.
 */
export async function run (line: CommandLine): Promise<number> {
  const words = Object.hasOwn(commands, line.args.slice(0, 2).join(' ')) ? 2 : 1
  const name = line.args.slice(0, words).join(' ')
  const args = line.args.slice(words)
  try {
    if (name === 'complete') printLines(line.output, candidatesFor(commands, args.slice(1)))
    else if (Object.hasOwn(printers, name)) printLines(line.output, printers[name]())
    else await findCommand(name).run(name, args, line)
    return 0
  } catch (error) {
    printLines(line.errors, describeError(error, Object.hasOwn(commands, name) ? name : undefined))
    return error instanceof UsageError ? 2 : 1
  }
}

function findCommand (name: string): Command {
  if (Object.hasOwn(commands, name)) return commands[name]
  if (!name.startsWith('-')) throw new UsageError(`unknown command ${name}`)
  throw new UsageError(`unknown option ${name}; the service is configured by environment variables (docs/service.md)`)
}

function helpLines (): string[] {
  const nameWidth = Math.max(...Object.keys(commands).map(name => name.length))
  return [
    'Usage: fastify-peer-server                      start the service (docs/service.md)',
    '       fastify-peer-server <command> [options]  administer a running service',
    '       fastify-peer-server --version            print the version',
    '',
    'Commands:',
    ...Object.entries(commands).map(([name, { description }]) => `  ${name.padEnd(nameWidth)} ${description}`),
    '',
    'Options of every command; run <command> --help for its own:',
    ...optionLines(commonOptions)
  ]
}
