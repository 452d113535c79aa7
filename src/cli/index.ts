import { parseArgs, type ParseArgsConfig } from 'node:util'
import { ApiError, PeerServerClient } from '../client/client.ts'
import type { Operations } from '../client/operations.ts'
import { bytes, duration, table } from './format.ts'
import { type Terminal, watch } from './watch.ts'

/** What the command line is run with. */
export interface CommandLine extends Terminal {
  readonly args: readonly string[]
  readonly env: Readonly<Record<string, string | undefined>>
  readonly errors: NodeJS.WritableStream
  readonly signal: AbortSignal
}

const usage = `Usage: fastify-peer-server                  starts the service, see docs/service.md
       fastify-peer-server peers [options]  lists the peers
           --address <ip or CIDR>  --protocol <name>  --sort <what>  --order <asc|desc>  --limit <number>  --json
       fastify-peer-server kick <id>... | --all [options]  disconnects peers
           --code <1000, 4000 to 4999, ...>  --reason <text>
       fastify-peer-server send [options]   sends a packet to all, or
           --to <id>  --but <id>
           --text <text>  --hex <digits>  --variant <JSON>; without any of them, what comes in at stdin
       fastify-peer-server watch [--sort <what>]  shows the server live

Of every command:
           --url <url>       the service, http://127.0.0.1:3000 unless given (or PEER_SERVER_URL)
           --token <token>   its ADMIN_TOKEN (or ADMIN_TOKEN)
           --server <name>   one of its other servers, such as godot4
`

const common = { url: { type: 'string' }, token: { type: 'string' }, server: { type: 'string' }, help: { type: 'boolean', short: 'h' } } as const

type Command = (client: PeerServerClient, line: CommandLine, values: Record<string, any>, positionals: string[], url: string) => Promise<void>

/** What was asked for is not what there is. */
class UsageError extends Error {}

/** Each command, and its options. */
const commands: Readonly<Record<string, { options: ParseArgsConfig['options'], run: Command }>> = {
  peers: {
    options: { address: { type: 'string' }, protocol: { type: 'string' }, sort: { type: 'string' }, order: { type: 'string' }, limit: { type: 'string' }, json: { type: 'boolean' } },
    run: listPeers
  },
  kick: { options: { code: { type: 'string' }, reason: { type: 'string' }, all: { type: 'boolean' } }, run: kick },
  send: { options: { to: { type: 'string' }, but: { type: 'string' }, text: { type: 'string' }, hex: { type: 'string' }, variant: { type: 'string' } }, run: send },
  watch: { options: { sort: { type: 'string' } }, run: async (client, line, { sort = 'connectedAt' }, _, url) => { await watch(client, url, sort, line, line.signal) } }
}

/** Runs a command of the terminal; resolves with the exit code: 1 when the service refuses or is not there, 2 for a command that is none. */
export async function run (line: CommandLine): Promise<number> {
  try {
    const [name, ...args] = line.args
    if (name === '--help' || name === '-h' || name === 'help') {
      line.output.write(usage)
      return 0
    }
    if (!Object.hasOwn(commands, name)) throw new UsageError(`${name}: no such command`)
    await runCommand(name, args, line)
    return 0
  } catch (error) {
    line.errors.write(`${explain(error)}\n`)
    return error instanceof UsageError ? 2 : 1
  }
}

async function runCommand (name: string, args: string[], line: CommandLine): Promise<void> {
  const { options, run } = commands[name]
  const { values, positionals } = parse({ args, options: { ...common, ...options }, allowPositionals: name === 'kick' })
  if (values.help === true) {
    line.output.write(usage)
    return
  }
  const { url = line.env.PEER_SERVER_URL ?? 'http://127.0.0.1:3000', token = line.env.ADMIN_TOKEN, server } = values as Record<string, string | undefined>
  if (!URL.canParse(url)) throw new UsageError(`--url ${url}: no URL`)
  await run(new PeerServerClient({ url, token: token === '' ? undefined : token, server }), line, values, positionals, url)
}

function parse (config: ParseArgsConfig): { values: Record<string, unknown>, positionals: string[] } {
  try {
    return parseArgs(config)
  } catch (error) {
    throw new UsageError((error as Error).message)
  }
}

function explain (error: unknown): string {
  if (error instanceof UsageError) return `${error.message}\n\n${usage}`
  if (error instanceof ApiError && error.status === 401) return 'The service wants its ADMIN_TOKEN: give --token, or set ADMIN_TOKEN.'
  if (error instanceof ApiError) return error.problem.errors?.map(({ pointer, message }) => `${pointer.split('/').at(-1)} ${message}`).join('\n') ?? error.message
  const { cause, message } = error as Error
  return cause === undefined ? message : `The service is not there: ${(cause as Error).message}`
}

async function listPeers (client: PeerServerClient, { output }: CommandLine, { limit, json, ...query }: Record<string, any>): Promise<void> {
  const { address, protocol, sort, order } = query
  const wanted = limit === undefined ? Infinity : wholeNumber('limit', limit)
  const peers: Array<Operations['peers']['answer']['items'][number]> = []
  for (let cursor: string | undefined, isLast = false; !isLast && peers.length < wanted;) {
    const page = await client.call('peers', { limit: Math.min(1000, wanted - peers.length), ...(cursor === undefined ? {} : { cursor }), address, protocol, sort, order })
    peers.push(...page.items)
    cursor = page.nextCursor ?? undefined
    isLast = cursor === undefined
  }
  if (json === true) {
    output.write(JSON.stringify(peers, null, 2) + '\n')
    return
  }
  const now = Date.now()
  const rows = peers.map(peer => [String(peer.id), `${peer.address}:${peer.port}`, peer.protocol, peer.state, duration((now - Date.parse(peer.connectedAt)) / 1000),
    bytes(peer.bytesIn), bytes(peer.bytesOut), bytes(peer.bufferedAmount)])
  output.write(table(['ID', 'ADDRESS', 'PROTOCOL', 'STATE', 'AGE', 'IN', 'OUT', 'BUFFER'], rows, [false, false, false, false, true, true, true, true]).join('\n') + '\n')
}

async function kick (client: PeerServerClient, { output }: CommandLine, { code, reason, all }: Record<string, any>, ids: string[]): Promise<void> {
  if ((all === true) === (ids.length > 0)) throw new UsageError('kick: give the ids of the peers, or --all')
  const how = { ...(code === undefined ? {} : { code: wholeNumber('code', code) }), ...(reason === undefined ? {} : { reason }) }
  const { requested, notFound } = await client.call('disconnectPeers', {}, { ...(all === true ? { all } : { ids: ids.map(id => wholeNumber('id', id)) }), ...how })
  output.write(`${requested} ${requested === 1 ? 'peer is' : 'peers are'} closing\n`)
  if (notFound.length > 0) throw new Error(`no such peer: ${notFound.join(', ')}`)
}

async function send (client: PeerServerClient, line: CommandLine, { to, but, text, hex, variant }: Record<string, any>): Promise<void> {
  if (to !== undefined && but !== undefined) throw new UsageError('send: either --to or --but')
  const body = await packetOf(line, { text, hex, variant })
  if (to !== undefined) {
    const { bytes: size } = await client.call('putPacket', { id: wholeNumber('to', to) }, body)
    line.output.write(`sent, ${size} bytes\n`)
  } else {
    const { recipients } = await client.call('broadcast', { target: but === undefined ? 0 : -wholeNumber('but', but) }, body)
    line.output.write(`sent to ${recipients} ${recipients === 1 ? 'peer' : 'peers'}\n`)
  }
}

async function packetOf ({ input }: CommandLine, given: Record<string, string | undefined>): Promise<Operations['broadcast']['body']> {
  const [first, ...others] = Object.entries(given).filter(([, value]) => value !== undefined) as Array<[string, string]>
  if (others.length > 0) throw new UsageError('send: one of --text, --hex and --variant')
  if (first === undefined) return Buffer.concat(await input.toArray())
  const [kind, value] = first
  if (kind === 'text') return value
  if (kind === 'variant') return { variant: json(value) }
  const digits = value.replace(/\s+/g, '')
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new UsageError('--hex: pairs of hex digits')
  return Buffer.from(digits, 'hex')
}

function json (text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new UsageError(`--variant: ${(error as Error).message}`)
  }
}

function wholeNumber (name: string, text: string): number {
  if (!/^-?\d+$/.test(text)) throw new UsageError(`${name} ${text}: a whole number is wanted`)
  return Number(text)
}
