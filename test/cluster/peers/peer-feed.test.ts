import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { PeerFeed, type FeedHost, type PeerEvent, type PeerPage } from '../../../src/cluster/peers/peer-feed.ts'
import type { PeerFacts } from '../../../src/core/server/cluster-link.ts'

const node = { id: 'b', slot: 7, epoch: 1, isDraining: false, startedAt: 0 }
const facts = (id: number): PeerFacts => ({
  id, room: 'main', address: '192.0.2.7', port: id, protocol: '', connectedAt: 0
})
const joined = (seq: number, id: number): PeerEvent => ({ seq, joined: facts(id) })

const end = { cause: 'client', outcome: 'clean', code: 1000, reason: '', seconds: 1 } as const

/** A feed of a node whose peers are read when `answer` is called. */
function openFeed () {
  const ids = new Set<number>()
  const lost: number[] = []
  const waiting: Array<{ resolve: (page: PeerPage) => void, reject: (error: Error) => void }> = []
  const host: FeedHost = {
    readPeers: async () => await new Promise((resolve, reject) => { waiting.push({ resolve, reject }) }),
    idsOf: () => [...ids],
    add: (_slot, { id }) => { ids.add(id) },
    remove: id => { ids.delete(id) },
    eventsLost: (_node, count) => { lost.push(count) }
  }
  const answer = (seq: number, ...peers: number[]): void => {
    waiting.shift()!.resolve({ peers: peers.map(facts), more: false, seq })
  }
  const fail = (): void => { waiting.shift()!.reject(new Error('timeout')) }
  return { feed: new PeerFeed(node, host), ids, lost, answer, fail, reads: () => waiting.length }
}

t.test('events that arrive while all peers are read follow them', async t => {
  const { feed, ids, answer } = openFeed()
  const read = feed.readAll()
  feed.receive(joined(4, 13))
  feed.receive({ seq: 5, left: { id: 11, end } })
  feed.receive({ seq: 6, left: { id: 12, end: undefined } })
  t.same([...ids], [])
  answer(3, 11, 12)
  await read
  t.same([...ids], [12, 13], 'one that moves stays')
})

t.test('lost events are counted, and all peers are read again', async t => {
  const { feed, ids, lost, answer } = openFeed()
  const read = feed.readAll()
  answer(1, 11)
  await read
  feed.receive(joined(4, 14))
  t.same(lost, [2])
  answer(4, 12, 14)
  await nextTurn()
  t.same([...ids], [12, 14])
  feed.receive(joined(3, 13))
  t.same([...ids], [12, 14], 'an old event that arrives late does nothing')
})

t.test('peers that are asked for while they are read are read once more', async t => {
  const { feed, ids, answer } = openFeed()
  const read = feed.readAll()
  await feed.readAll()
  answer(1, 11)
  await nextTurn()
  answer(2, 12)
  await read
  t.same([...ids], [12])
})

t.test('peers that could not be read are read at the next heartbeat', async t => {
  const { feed, ids, lost, answer, fail, reads } = openFeed()
  const read = feed.readAll()
  answer(1, 11)
  await read
  feed.checkSeq(2)
  fail()
  await nextTurn()
  t.equal(reads(), 0)
  feed.checkSeq(2)
  feed.checkSeq(2)
  t.equal(reads(), 1)
  answer(2, 11, 12)
  await nextTurn()
  t.same([...ids], [11, 12])
  feed.checkSeq(2)
  t.equal(reads(), 0)
  t.same(lost, [1], 'what is lost is reported once')
})

t.test('nothing that arrives after the node has left has an effect', async t => {
  const { feed, ids, answer, reads } = openFeed()
  const read = feed.readAll()
  feed.receive(joined(2, 12))
  feed.end()
  answer(1, 11)
  await t.rejects(read, { code: 'cluster-unavailable', message: 'node b has left' })
  t.same([[...ids], reads()], [[], 0])
})
