import { parseArgs, type ParseArgsConfig } from 'node:util'
import { PeerServerClient } from '../client/client.ts'
import { MAX_PEER_ID } from '../core/admission/peer-ids.ts'
import { printLines } from './print-lines.ts'

/** The streams that a command reads from and writes to. */
export interface Streams {
  readonly input: NodeJS.ReadStream
  readonly output: NodeJS.WriteStream
  readonly errors: NodeJS.WritableStream
}

/** A command line and its environment; `signal` ends commands that run until they are interrupted. */
export interface CommandLine extends Streams {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
}

/** An option; one without a `placeholder` for its value is a switch. */
export interface Option {
  readonly type: 'string' | 'boolean'
  readonly short?: string
  readonly placeholder?: string
  readonly description: string
  /** Its allowed values, for completions; the service checks them. */
  readonly values?: readonly string[]
}

type Options = Readonly<Record<string, Option>>
type Values<Of extends Options> = {
  readonly [Name in keyof Of]?: Of[Name]['type'] extends 'boolean' ? boolean : string
}

/** What a command runs with: a client of the service at `url`, the parsed options and operands, and the streams. */
export interface CommandContext<Of extends Options = Options> {
  readonly client: PeerServerClient
  readonly url: string
  readonly options: Values<Of>
  readonly operands: readonly string[]
  readonly line: CommandLine
}

/** A command; `usage` names its operands, and is empty for one that takes none. */
export interface Command {
  readonly description: string
  readonly usage: string
  readonly options: Options
  /** Allowed values of each operand, for completions. */
  readonly operands: ReadonlyArray<readonly string[]>
  run (name: string, args: string[], line: CommandLine): Promise<void>
}

/** The command line is invalid. */
export class UsageError extends Error {}

const DEFAULT_URL = 'http://127.0.0.1:3000'
/** Seconds until a call without a response fails. */
export const TIMEOUT = 10

/** The options of every command. */
export const commonOptions = {
  url: { type: 'string', placeholder: '<url>', description: `service URL (default: PEER_SERVER_URL, ${DEFAULT_URL})` },
  token: { type: 'string', placeholder: '<token>', description: 'admin token (default: ADMIN_TOKEN)' },
  server: { type: 'string', placeholder: '<name>', description: 'name of another server of the service, e.g. godot4' },
  help: { type: 'boolean', short: 'h', description: 'show this help' }
} as const satisfies Options

/**
 * Defines a command; the values that `run` receives have the types of the options. `operands`: allowed values of each
 * operand.
 */
export function defineCommand<const Of extends Options> (
  description: string,
  usage: string,
  options: Of,
  run: (context: CommandContext<Of>) => Promise<void>,
  operands: Command['operands'] = []
): Command {
  return {
    description,
    usage,
    options,
    operands,
    async run (name, args, line) {
      const allOptions = { ...options, ...commonOptions }
      const { values, positionals } = parse({ args, options: allOptions, allowPositionals: usage !== '' })
      if (values.help === true) printLines(line.output, helpLines(name, this))
      else await run({ ...connect(values, line), options: pick(values, options), operands: positionals, line })
    }
  }
}

function parse (config: ParseArgsConfig): { values: Values<typeof commonOptions>, positionals: string[] } {
  try {
    return parseArgs(config)
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function pick<Of extends Options> (values: object, options: Of): Values<Of> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => Object.hasOwn(options, name))) as Values<Of>
}

function connect (options: Values<typeof commonOptions>, { env }: CommandLine): Pick<CommandContext, 'client' | 'url'> {
  const url = (options.url ?? (env.PEER_SERVER_URL || DEFAULT_URL)).trim()
  checkUrl(url)
  const token = (options.token ?? env.ADMIN_TOKEN) || undefined
  if (token !== undefined) checkToken(token)
  return { url, client: new PeerServerClient({ url, token, server: options.server, timeout: TIMEOUT }) }
}

function checkUrl (url: string): void {
  const { protocol = '', username = '', password = '' } = URL.parse(url) ?? {}
  if (!/^https?:$/.test(protocol)) throw new UsageError(`invalid URL ${url}: expected e.g. ${DEFAULT_URL}`)
  // `fetch` accepts neither; the message does not repeat them.
  if (username !== '' || password !== '') throw new UsageError('invalid URL: it has a user name or a password')
}

/** Rejects a token that no request can be made with, which would look like a service that does not respond. */
function checkToken (token: string): void {
  try {
    new Headers().set('authorization', `Bearer ${token}`)
  } catch {
    throw new UsageError('invalid token: it has characters that an HTTP header cannot have')
  }
}

function helpLines (name: string, { description, usage, options }: Command): string[] {
  return [
    ['Usage: fastify-peer-server', name, usage, '[options]'].filter(part => part !== '').join(' '),
    `${description}.`,
    '',
    ...optionLines(options),
    '',
    ...optionLines(commonOptions)
  ]
}

/** A line of help for each option. */
export function optionLines (options: Options): string[] {
  return Object.entries(options).map(([name, { short, placeholder, description }]) => {
    const names = short === undefined ? `--${name}` : `-${short}, --${name}`
    return `  ${[names, placeholder].join(' ').padEnd(22)} ${description}`
  })
}

/** Parses an integer from `least` to `most`; `name` is what it is called in the error message. */
export function parseInteger (name: string, text: string, least = 0, most = Number.MAX_SAFE_INTEGER): number {
  const number = /^\d{1,16}$/.test(text) ? Number(text) : NaN
  if (number >= least && number <= most) return number
  const range = most === Number.MAX_SAFE_INTEGER ? `from ${least}` : `from ${least} to ${most}`
  throw new UsageError(`invalid ${name} ${text}: expected an integer ${range}`)
}

/** Parses seconds, which may have decimals; `name` is what they are called in the error message. */
export function parseSeconds (name: string, text: string): number {
  if (/^\d{1,16}(\.\d{1,16})?$/.test(text)) return Number(text)
  throw new UsageError(`invalid ${name} ${text}: expected a number from 0`)
}

/** Parses JSON; `name` is what it is called in the error message. */
export function parseJson (name: string, text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UsageError(`invalid ${name}: ${(error as Error).message}`)
  }
}

/** Parses the id of a peer. (0 and negative ids, which mean all and all but one elsewhere, are not valid here.) */
export function parsePeerId (text: string): number {
  return parseInteger('id', text, 2, MAX_PEER_ID)
}
