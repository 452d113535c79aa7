import { setImmediate as nextTurn } from 'node:timers/promises'
import t from 'tap'
import { PeerFeed, type PeerFeedHost, type PeerEvent, type PeerPage } from '../../../src/cluster/peers/peer-feed.ts'
import type { PeerFacts } from '../../../src/core/server/cluster-link.ts'

const node = { id: 'b', slot: 7, epoch: 1, isDraining: false, startedAt: 0 }
const facts = (id: number, room = 'main'): PeerFacts => ({
  id, room, address: '192.0.2.7', port: id, protocol: '', connectedAt: 0
})
const joined = (seq: number, id: number): PeerEvent => ({ seq, joined: facts(id) })

const end = { cause: 'client', outcome: 'clean', code: 1000, reason: '', seconds: 1 } as const

/** A feed of a node whose peers are read when `answer` is called. */
function openFeed () {
  const ids = new Set<number>()
  const lost: number[] = []
  const seen: string[] = []
  const waiting: Array<{ resolve: (page: PeerPage) => void, reject: (error: Error) => void }> = []
  const host: PeerFeedHost = {
    readPeers: async () => await new Promise((resolve, reject) => { waiting.push({ resolve, reject }) }),
    idsOf: () => [...ids],
    add: (_slot, { id, room }) => {
      if (!ids.has(id) || room !== 'main') seen.push(`${room} add ${id}`)
      ids.add(id)
    },
    remove: id => {
      if (ids.delete(id)) seen.push(`del ${id}`)
    },
    eventsLost: (_node, count) => { lost.push(count) }
  }
  const answerPage = (more: boolean, seq: number, ...peers: number[]): void => {
    waiting.shift()!.resolve({ peers: peers.map(id => facts(id)), more, seq })
  }
  const answer = (seq: number, ...peers: number[]): void => { answerPage(false, seq, ...peers) }
  const fail = (): void => { waiting.shift()!.reject(new Error('timeout')) }
  const feed = new PeerFeed(node, host)
  /** A message of the node arrives. */
  const receiveMessage = (text: string, size = text.length): void => {
    const bytes = Buffer.alloc(size, text)
    const receive = (held: Uint8Array): void => { receiveMessage(String(Buffer.from(held.subarray(0, text.length)))) }
    if (!feed.deferUntilPeersKnown(bytes, receive)) seen.push(text)
    bytes.fill(0)
  }
  return {
    feed, ids, lost, answer, answerPage, fail, receiveMessage, reads: () => waiting.length, seen: () => seen.splice(0)
  }
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

t.test('an event that is lost between two pages is counted, and all peers are read again', async t => {
  for (const isKnown of [false, true]) {
    await t.test(isKnown ? 'later' : 'for the first time', async t => {
      const { feed, ids, lost, answer, answerPage, reads } = openFeed()
      const read = feed.readAll()
      if (isKnown) {
        answer(3, 10, 11)
        await read
        feed.checkSeq(4)
        t.same(lost.splice(0), [1])
        feed.receive(joined(5, 9))
      }
      answerPage(true, 5, 9, 10, 11)
      await nextTurn()
      feed.receive(joined(7, 13))
      answer(7, 12, 13)
      await nextTurn()
      t.same([lost, reads()], [[1], 1])
      feed.receive(joined(8, 14))
      answer(7, 9, 11, 12, 13)
      await nextTurn()
      t.same([...ids].sort(), [11, 12, 13, 14, 9], 'one that has left between the pages is gone')
      t.same([lost, reads()], [[1], 0])
    })
  }
})

t.test('an event that is lost before the last response is counted, and all peers are read again', async t => {
  const { feed, ids, lost, answer, reads } = openFeed()
  const read = feed.readAll()
  answer(1, 11)
  await read
  feed.receive(joined(3, 13))
  t.same(lost.splice(0), [1])
  answer(4, 11, 12, 13, 14)
  await nextTurn()
  t.same([lost, reads()], [[1], 1])
  answer(4, 12, 13, 14)
  await nextTurn()
  t.same([...ids], [12, 13, 14])
  t.equal(reads(), 0)
})

t.test('messages that arrive while all peers are read keep their place between joins and leaves', async t => {
  const { feed, seen, answer, receiveMessage } = openFeed()
  const read = feed.readAll()
  receiveMessage('of 11')
  answer(1, 11, 12, 13)
  await read
  t.same(seen(), ['main add 11', 'main add 12', 'main add 13', 'of 11'])
  receiveMessage('now')
  t.same(seen(), ['now'])
  feed.receive(joined(3, 15))
  receiveMessage('of 11 and 13')
  feed.receive({ seq: 4, left: { id: 11, end } })
  feed.receive({ seq: 5, left: { id: 13, end: undefined } })
  feed.receive({ seq: 6, joined: facts(13, 'arena') })
  receiveMessage('of 13')
  feed.receive(joined(7, 16))
  receiveMessage('of 16')
  answer(6, 13, 14, 15)
  await nextTurn()
  t.same(seen(), [
    'main add 14', 'main add 15', 'del 12', 'of 11 and 13', 'del 11', 'arena add 13', 'of 13', 'main add 16', 'of 16'
  ])
})

t.test('messages continue to wait if an event before them was lost, too', async t => {
  const { feed, seen, lost, answer, receiveMessage } = openFeed()
  const read = feed.readAll()
  receiveMessage('first')
  feed.receive(joined(4, 14))
  receiveMessage('second')
  answer(1, 11)
  await read
  t.same([lost, seen()], [[2], ['main add 11', 'first']])
  receiveMessage('third')
  answer(4, 11, 12, 13, 14)
  await nextTurn()
  t.same(seen(), ['main add 12', 'main add 13', 'main add 14', 'second', 'third'])
})

t.test('messages wait no longer when the peers could not be read', async t => {
  const { feed, seen, answer, fail, receiveMessage } = openFeed()
  const read = feed.readAll()
  answer(1, 11)
  await read
  feed.checkSeq(2)
  receiveMessage('waits')
  t.same(seen(), ['main add 11'])
  fail()
  await nextTurn()
  t.same(seen(), ['waits'])
})

t.test('at most 8 MiB wait', async t => {
  const { feed, seen, answer, receiveMessage } = openFeed()
  const read = feed.readAll()
  const size = 4 * 1024 * 1024
  receiveMessage('one', size)
  receiveMessage('two', size)
  receiveMessage('three')
  answer(1)
  await read
  receiveMessage('four')
  t.same(seen(), ['one', 'two', 'four'])
})

t.test('peers are read again when a message of an unknown one arrives', async t => {
  const { feed, ids, lost, answer, reads } = openFeed()
  const read = feed.readAll()
  feed.readAgain()
  t.equal(reads(), 1, 'not while they are being read')
  answer(1, 11)
  await read
  feed.readAgain()
  answer(2, 11, 12)
  await nextTurn()
  t.same([[...ids], lost], [[11, 12], [1]])
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
  const { feed, ids, answer, receiveMessage, reads, seen } = openFeed()
  const read = feed.readAll()
  feed.receive(joined(2, 12))
  receiveMessage('of 12')
  feed.end()
  answer(1, 11)
  await t.rejects(read, { code: 'cluster-unavailable', message: 'node b has left' })
  t.same([[...ids], reads(), seen()], [[], 0, []])
})
