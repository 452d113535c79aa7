import { parseArgs, type ParseArgsConfig } from 'node:util'
import { PeerServerClient } from '../client/client.ts'

/** Where a command reads from and writes to. */
export interface Terminal { readonly input: NodeJS.ReadStream, readonly output: NodeJS.WriteStream, readonly errors: NodeJS.WritableStream }

/** What the command line is run with; `signal` ends what would go on for ever. */
export interface CommandLine extends Terminal {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly signal: AbortSignal
}

/** An option: `value` stands in the help for what is to be given, and without one it is a switch. */
export interface Option { readonly type: 'string' | 'boolean', readonly short?: string, readonly value?: string, readonly about: string }

type Options = Readonly<Record<string, Option>>
type Values<Of extends Options> = { readonly [Name in keyof Of]?: Of[Name]['type'] extends 'boolean' ? boolean : string }

/** What a command works with: the service, the options that were given, and what stood beside them. */
export interface Call<Of extends Options = Options> { readonly client: PeerServerClient, readonly url: string, readonly values: Values<Of>, readonly rest: readonly string[], readonly line: CommandLine }

/** A command of the terminal; `rest` stands in the help for what is given beside the options. */
export interface Command { readonly about: string, readonly rest: string, readonly options: Options, run (name: string, args: string[], line: CommandLine): Promise<void> }

/** What was asked for is not what there is. */
export class UsageError extends Error {}

/** The options of every command. */
export const common = {
  url: { type: 'string', value: '<url>', about: 'the service, http://127.0.0.1:3000 unless given (or PEER_SERVER_URL)' },
  token: { type: 'string', value: '<token>', about: 'its ADMIN_TOKEN (or ADMIN_TOKEN)' },
  server: { type: 'string', value: '<name>', about: 'one of its other servers, such as godot4' },
  help: { type: 'boolean', short: 'h', about: 'this help' }
} as const satisfies Options

const TIMEOUT = 10

/** A command with its options, whose values have the types that the options say. */
export function command<const Of extends Options> (about: string, rest: string, options: Of, run: (call: Call<Of>) => Promise<void>): Command {
  return {
    about,
    rest,
    options,
    async run (name, args, line) {
      const { values, positionals } = parse({ args, options: { ...options, ...common }, allowPositionals: rest !== '' })
      if (values.help === true) line.output.write(helpOf(name, this))
      else await run({ ...connect(values, line), values: only(options, values), rest: positionals, line })
    }
  }
}

function parse (config: ParseArgsConfig): { values: Values<typeof common>, positionals: string[] } {
  try {
    return parseArgs(config)
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function only<Of extends Options> (options: Of, values: object): Values<Of> {
  return Object.fromEntries(Object.entries(values).filter(([name]) => Object.hasOwn(options, name))) as Values<Of>
}

function connect ({ url: given, token: said, server }: Values<typeof common>, { env }: CommandLine): { client: PeerServerClient, url: string } {
  const url = given ?? (env.PEER_SERVER_URL || 'http://127.0.0.1:3000')
  if (!/^https?:$/.test(URL.parse(url)?.protocol ?? '')) throw new UsageError(`${url}: an address such as http://127.0.0.1:3000 is wanted`)
  const token = said ?? env.ADMIN_TOKEN
  return { url, client: new PeerServerClient({ url, token: token === '' ? undefined : token, server, timeout: TIMEOUT }) }
}

/** The help of one command. */
export function helpOf (name: string, { about, rest, options }: Command): string {
  return [`Usage: fastify-peer-server ${name}${rest === '' ? '' : ` ${rest}`} [options]`, `${about}.`, '', ...describe(options), '', ...describe(common), ''].join('\n')
}

/** A line of help for each option. */
export function describe (options: Options): string[] {
  return Object.entries(options).map(([name, { short, value, about }]) =>
    `  ${`${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`.padEnd(22)} ${about}`)
}

/** A whole number from 0 up. */
export function wholeNumber (name: string, text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new UsageError(`${name} ${text}: a whole number is wanted`)
  return Number(text)
}

const MAX_ID = 2147483647

/** The id of a peer. (0 and negative numbers would mean all, and all but one.) */
export function peerId (text: string): number {
  const id = wholeNumber('id', text)
  if (id < 2 || id > MAX_ID) throw new UsageError(`id ${text}: peers have 2 to ${MAX_ID}`)
  return id
}
