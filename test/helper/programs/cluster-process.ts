import { spawn, type ChildProcess } from 'node:child_process'
import { once } from 'node:events'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import type { Test } from 'tap'
import type { ServerOptions } from '../../../index.ts'
import { shortRun } from '../../../scripts/test/short-run.mjs'
import type { NatsServer } from './nats.ts'
import { until } from '../until.ts'

/** What is reported to a node. */
export interface NodeEvent { readonly event: string, readonly [detail: string]: any }

/** A node of a cluster in a process of its own; the test ends it. */
export class NodeProcess {
  readonly id: string
  readonly events: NodeEvent[] = []
  readonly #process: ChildProcess
  #answers = 0

  constructor (t: Test, nats: NatsServer, id: string, options: Partial<ServerOptions> = {}) {
    this.id = id
    const script = join(import.meta.dirname, '../../cluster/nats/node-process.js')
    const args = [...shortRun, '--enable-source-maps', script, nats.url, id, JSON.stringify(options)]
    this.#process = spawn(process.execPath, args, { stdio: ['pipe', 'pipe', 'inherit'] })
    createInterface(this.#process.stdout!).on('line', line => { this.events.push(JSON.parse(line) as NodeEvent) })
    t.teardown(async () => {
      if (this.hasEnded) return
      this.#process.kill('SIGCONT')
      this.#process.kill('SIGKILL')
      await once(this.#process, 'exit')
    })
  }

  get hasEnded (): boolean {
    return this.#process.exitCode !== null || this.#process.signalCode !== null
  }

  /** Where it listens; waits until it does. */
  async port (): Promise<number> {
    return (await this.event('listening')).port
  }

  /** URL of a room. */
  async url (room: string): Promise<string> {
    return `ws://127.0.0.1:${await this.port()}/ws/${room}`
  }

  /** Events of this name so far. */
  eventsOf (name: string): NodeEvent[] {
    return this.events.filter(({ event }) => event === name)
  }

  /** The first event of this name that matches; waits for it. */
  async event (name: string, matches: (event: NodeEvent) => boolean = () => true): Promise<NodeEvent> {
    const find = (): NodeEvent | undefined => this.eventsOf(name).find(matches)
    const report = (): string => `${name} of ${this.id}, got ${JSON.stringify(this.events.slice(-20))}`
    await until(() => find() !== undefined, report)
    return find()!
  }

  async run (command: string, parameters: object = {}): Promise<any> {
    const expected = ++this.#answers
    this.#process.stdin!.write(JSON.stringify({ command, ...parameters }) + '\n')
    await until(() => this.eventsOf('answer').length >= expected, () => `answer of ${this.id} to ${command}`)
    const { result, error } = this.eventsOf('answer')[expected - 1]
    if (error !== undefined) throw new Error(error)
    return result
  }

  signal (signal: NodeJS.Signals): void {
    this.#process.kill(signal)
  }
}

/** Starts nodes that know each other. */
export async function startNodes (
  t: Test, nats: NatsServer, count: number, options: Partial<ServerOptions> = {}
): Promise<NodeProcess[]> {
  const nodes: NodeProcess[] = []
  for (let index = 0; index < count; index++) nodes.push(new NodeProcess(t, nats, `node-${index}`, options))
  for (const node of nodes) {
    await node.port()
    for (const other of nodes) if (other !== node) await node.event('node_joined', event => event.node === other.id)
  }
  return nodes
}
