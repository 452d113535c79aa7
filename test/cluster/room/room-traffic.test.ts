import t, { type Test } from 'tap'
import type { NodeContext } from '../../../src/cluster/node-context.ts'
import type { RoomPart } from '../../../src/cluster/room/room-part.ts'
import { RoomTraffic } from '../../../src/cluster/room/room-traffic.ts'
import { Subjects } from '../../../src/cluster/subjects.ts'
import { stopTime } from '../../helper/clock.ts'
import { MemoryBroker } from '../../helper/memory/memory-bus.ts'
import { settled } from '../../helper/memory/memory-cluster.ts'
import { override } from '../../helper/override.ts'

// Numbers of a node's messages to rooms which end there, and are opened again.

/** Milliseconds for which heartbeats name a room. */
const RECENT = 4000
const SLOT = 7
const noFrames = { packets: 0, relayed: 0, size: 0, notes: [], ranges: [] }

const partOf = (name: string): RoomPart => ({ core: { name } }) as unknown as RoomPart

/** A node that sends, and one with a part of room `arena` that receives. */
function openTraffic (t: Test) {
  const clock = stopTime(t)
  const broker = new MemoryBroker()
  const subjects = new Subjects('default')
  let isLost = false
  let arrived = 0
  const lost: number[] = []
  const open = (slot: number): RoomTraffic => {
    const bus = broker.connect()
    t.teardown(async () => { await bus.close() })
    const context = override({} as NodeContext, {
      bus,
      subjects,
      lease: { slot, epoch: 1 },
      maxPayload: bus.maxPayload,
      isLive: () => true,
      publish: (subject, bytes) => { if (!isLost) bus.publish(subject, bytes) }
    })
    return new RoomTraffic(context, {
      deferUntilPeersKnown: () => false,
      receive: () => { arrived++ },
      lost: (_part, _slot, count) => { lost.push(count) }
    })
  }
  const [sender, receiver] = [open(SLOT), open(8)]
  receiver.open(partOf('arena'))
  return {
    sender,
    /** Opens a room, sends messages to it, and closes it. */
    send: async (room: string, count: number): Promise<void> => {
      const part = partOf(room)
      sender.open(part)
      for (let message = 0; message < count; message++) sender.publish(room, noFrames, new Uint8Array(0))
      sender.close(part)
      await settled()
    },
    setLost: (value: boolean): void => { isLost = value },
    /** Time passes until heartbeats no longer name the previous rooms. */
    forget: (): void => {
      clock.advance(RECENT + 1)
      sender.recent(Infinity)
    },
    heartbeat: (): void => { for (const room of sender.recent(Infinity)) receiver.checkSeq(SLOT, room) },
    /** How many messages have arrived, and were reported as lost, since the last call. */
    seen: (): [arrived: number, lost: number[]] => {
      const seen: [number, number[]] = [arrived, lost.splice(0)]
      arrived = 0
      return seen
    }
  }
}

t.test('messages to a room that was closed and is opened again are not late', async t => {
  for (const isForgotten of [false, true]) {
    await t.test(isForgotten ? 'long after that' : 'at once', async t => {
      const { send, forget, seen } = openTraffic(t)
      await send('arena', 5)
      if (isForgotten) forget()
      await send('arena', 2)
      t.same(seen(), [7, []])
    })
  }
})

t.test('numbers that other rooms have had are not lost messages', async t => {
  const { send, forget, heartbeat, seen } = openTraffic(t)
  await send('arena', 2)
  await send('ice', 100)
  forget()
  await send('arena', 1)
  t.same(seen(), [3, []])
  heartbeat()
  t.same(seen(), [0, []])
})

for (const finder of ['next message', 'next heartbeat']) {
  t.test(`the ${finder} reveals the loss of the first messages to a room that is opened again`, async t => {
    const { send, setLost, forget, heartbeat, seen } = openTraffic(t)
    await send('arena', 2)
    await send('ice', 100)
    forget()
    setLost(true)
    await send('arena', 3)
    setLost(false)
    if (finder === 'next message') await send('arena', 1)
    else heartbeat()
    t.same(seen(), finder === 'next message' ? [3, [3]] : [2, [3]])
  })
}

t.test('a heartbeat reveals the loss of the last message to a room that is closed', async t => {
  const { sender, send, setLost, forget, heartbeat, seen } = openTraffic(t)
  await send('arena', 2)
  setLost(true)
  await send('arena', 1)
  heartbeat()
  t.same(seen(), [2, [1]])
  forget()
  t.same([sender.recent(Infinity), sender.lastSent('arena')], [[], 0], 'it is forgotten after that')
})
