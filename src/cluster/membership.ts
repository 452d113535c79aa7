/* temporary */
import type { Bus } from './bus/bus.ts'
import type { ClusterNode, MembershipHost } from './membership-host.ts'
let next = 1
export class Membership {
  isReady = false
  slot = 0
  epoch = 0
  #nodes = new Map<number, ClusterNode>()
  #ends: Array<() => void> = []
  readonly bus: Bus
  readonly options: { namespace: string, nodeId: string }
  readonly host: MembershipHost
  #timer: NodeJS.Timeout | undefined
  constructor (bus: Bus, options: { namespace: string, nodeId: string }, host: MembershipHost, _log: unknown) {
    this.bus = bus; this.options = options; this.host = host
  }

  async start (): Promise<void> {
    this.slot = next++; this.epoch = this.slot * 7
    const hb = `gdws.${this.options.namespace}.hb`
    this.host.claimed(this)
    this.#ends.push(this.bus.subscribe(hb, async ({ bytes }) => {
      const { id, slot, epoch, left, data } = JSON.parse(Buffer.from(bytes).toString()) as any
      const node: ClusterNode = { id, slot, epoch, isDraining: false, startedAt: 0 }
      const known = this.#nodes.get(slot)
      if (left) { if (known) { this.#nodes.delete(slot); this.host.left(known, 'left') } return }
      if (known === undefined) {
        this.#nodes.set(slot, node)
        await this.host.joined(node)
      } else this.host.heard(known, Buffer.from(data, 'base64'))
    }))
    const beat = (left = false) => this.bus.publish(hb, Buffer.from(JSON.stringify({ id: this.options.nodeId, slot: this.slot, epoch: this.epoch, left, data: Buffer.from(this.host.heartbeat()).toString('base64') })))
    beat()
    this.#timer = setInterval(beat, 50)
    await new Promise(resolve => setTimeout(resolve, 200))
    await this.host.ready()
    this.isReady = true
    this.#ends.push(() => beat(true))
  }

  nodes () { return this.#nodes.values() }
  epochOf (slot: number) { return this.#nodes.get(slot)?.epoch }
  setDraining () {}
  async leave () { clearInterval(this.#timer); for (const e of this.#ends) e(); await this.bus.flush() }
}
