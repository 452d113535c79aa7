import t, { type Test } from 'tap'
import { BusError, type Bus } from '../../../src/cluster/bus/bus.ts'
import { UnconfirmedChanges } from '../../../src/cluster/homes/unconfirmed-changes.ts'
import { internalsOf } from '../../../src/core/server/internals.ts'
import type { WebSocketServer } from '../../../src/core/server/websocket-server.ts'
import { simulateTime } from '../../helper/clock.ts'
import {
  joinRoom, openMemoryCluster, patientTimings, settled, type MemoryCluster
} from '../../helper/memory/memory-cluster.ts'
import { override } from '../../helper/override.ts'
import type { RoomClient } from '../../helper/memory/room-client.ts'
import { until } from '../../helper/until.ts'

// What changes on a node while the home of the room is lost holds in the whole cluster once there is another home.

/** The last node has the greatest weight of those that may take this room over. */
const ROOM = 'r1'

interface Cluster extends MemoryCluster {
  /** The client of the first node. */
  readonly client: RoomClient
  /** Disconnects the home of the room. */
  loseHome (): void
  /** Requests of the first node to the home wait until they time out, all at once. */
  holdRequests (): void
  timeOut (): void
}

/** Three nodes: the second one is the home of the room, whose members are on the others. */
async function openCluster (t: Test, lease: number = patientTimings.lease): Promise<Cluster> {
  const timings = { ...patientTimings, lease, silence: 300, ping: 100 }
  let held: Array<() => void> | undefined
  let subject = ''
  let count = 0
  const wrap = (bus: Bus): Bus => override(bus, {
    request: async (to: string, bytes: Uint8Array, milliseconds: number) => {
      if (held === undefined || to !== subject) return await bus.request(to, bytes, milliseconds)
      return await new Promise<Uint8Array>((_resolve, reject) => {
        held!.push(() => { reject(new BusError('timeout', to)) })
      })
    }
  })
  const cluster = await openMemoryCluster(t, 3, {}, timings, bus => count++ === 0 ? wrap(bus) : bus)
  const { broker, buses, nodes: [a, b, c] } = cluster
  b.openRoom(ROOM, { emptyTimeout: 600 })
  await settled()
  const client = await joinRoom(a, ROOM)
  await joinRoom(c, ROOM)
  subject = `gdws.default.n.${b.cluster.slot}.cmd`
  return {
    ...cluster,
    client,
    loseHome: () => { broker.cut(buses[1]) },
    holdRequests: () => { held = [] },
    timeOut: () => {
      for (const fail of held!) fail()
      held = undefined
    }
  }
}

type Settings = readonly [locked: boolean | undefined, maxPeers: number | undefined]

/** Settings of the room as a node knows them. */
function settingsOn (node: WebSocketServer): Settings {
  const room = internalsOf(node).registry.cluster!.room(ROOM)
  return [room?.locked, room?.maxPeers]
}

async function untilAll (nodes: readonly WebSocketServer[], expected: Settings): Promise<void> {
  await until(() => nodes.every(node => String(settingsOn(node)) === String(expected)),
    () => `${String(expected)}, not ${JSON.stringify(nodes.map(settingsOn))}`)
}

t.test('settings that change while the home of the room is lost reach the next one', async t => {
  const { nodes: [a, , c], loseHome } = await openCluster(t)
  loseHome()
  a.room(ROOM).locked = true
  a.room(ROOM).maxPeers = 7
  await until(() => c.room(ROOM).isHome)
  await untilAll([a, c], [true, 7])
  t.same([a.room(ROOM).locked, c.room(ROOM).locked], [true, true])
})

t.test('settings that the lost home was asked to change without responding reach the next one', async t => {
  const { nodes: [a, , c], loseHome, holdRequests, timeOut } = await openCluster(t)
  holdRequests()
  a.room(ROOM).locked = true
  a.room(ROOM).change({ locked: true, maxPeers: 7 })
  await settled()
  loseHome()
  await until(() => c.room(ROOM).isHome)
  await settled()
  t.same(settingsOn(a), [true, 7], 'the entry of the next home does not replace them')
  timeOut()
  await untilAll([a, c], [true, 7])
})

t.test('of several changes of a setting the last one holds', async t => {
  const { nodes: [a, , c], loseHome, holdRequests, timeOut } = await openCluster(t)
  holdRequests()
  a.room(ROOM).locked = true
  a.room(ROOM).maxPeers = 7
  await settled()
  loseHome()
  await until(() => c.room(ROOM).isHome)
  a.room(ROOM).locked = false
  await settled()
  timeOut()
  await untilAll([a, c], [false, 7])
})

t.test('settings that change on a node whose last client then leaves are not lost', async t => {
  const { nodes: [a, , c], client, loseHome } = await openCluster(t)
  loseHome()
  a.room(ROOM).locked = true
  await settled()
  client.disconnect()
  await until(() => ![...a.rooms()].some(({ name }) => name === ROOM))
  await until(() => c.room(ROOM).isHome)
  await untilAll([a, c], [true, 0])
})

t.test('changes of a room that has ended are not those of the next one of its name', async t => {
  simulateTime(t)
  const { nodes: [a, , c], client, loseHome } = await openCluster(t, 1500)
  loseHome()
  a.room(ROOM).locked = true
  await settled()
  client.disconnect()
  for (const { id } of [...c.room(ROOM).localPeers()]) c.disconnectPeer(id)
  await until(() => settingsOn(a)[0] === undefined && settingsOn(c)[0] === undefined)
  await c.cluster.openRoom(ROOM)
  await settled()
  await joinRoom(a, ROOM)
  a.room(ROOM).maxPeers = 6
  await untilAll([a, c], [false, 6])
})

t.test('a change that the home makes while it writes one of another node holds on that node, too', async t => {
  let release = (): void => {}
  let released = Promise.resolve()
  const delayUpdates = (bus: Bus): Bus => override(bus, {
    openStore: async (name: string, seconds?: number) => {
      const store = await bus.openStore(name, seconds)
      return override(store, {
        update: async (key: string, value: Uint8Array, revision: number) => {
          await released
          return await store.update(key, value, revision)
        }
      })
    }
  })
  const { nodes: [home, other] } = await openMemoryCluster(t, 2, {}, patientTimings, delayUpdates)
  await joinRoom(home, ROOM)
  await joinRoom(other, ROOM)
  released = new Promise(resolve => { release = resolve })
  home.room(ROOM).locked = true
  other.room(ROOM).maxPeers = 6
  await until(() => home.room(ROOM).maxPeers === 6)
  home.room(ROOM).maxPeers = 7
  release()
  await untilAll([home, other], [true, 7])
})

t.test('a change is confirmed unless its setting has changed again', t => {
  const changes = new UnconfirmedChanges()
  const first = { locked: true, maxPeers: 7 }
  changes.add('arena', first)
  changes.add('arena', { locked: false })
  changes.confirm('arena', first)
  t.same(changes.of('arena'), { locked: false })
  t.same(changes.of('duel'), {})
  changes.confirm('arena', { locked: false })
  t.same(changes.of('arena'), {})
  changes.add('arena', first)
  changes.forget('arena')
  t.same(changes.of('arena'), {})
  t.end()
})
