import t from 'tap'
import { PeerTable } from '../../../src/core/room/peer-table.ts'
import type { PeerSession } from '../../../src/core/peer/peer-session.ts'
import { Random, seed } from '../../helper/random/random.ts'

const peer = (id: number) => ({ id }) as PeerSession

t.test('finds peers by id and lists them by ascending id while peers join and leave', async t => {
  const random = new Random(seed)
  const table = new PeerTable()
  const model = new Map<number, PeerSession>()
  for (let i = 0; i < 3000; i++) {
    const id = 2 + random.below(200)
    const known = model.get(id)
    if (known === undefined) {
      model.set(id, peer(id))
      table.add(model.get(id)!)
    } else {
      model.delete(id)
      table.delete(known)
      table.delete(known)
    }
  }
  const ids = [...model.keys()].sort((a, b) => a - b)
  t.equal(table.size, ids.length)
  t.same(Array.from(table, ({ id }) => id), ids)
  t.same(Array.from(table.after(100), ({ id }) => id), ids.filter(id => id > 100))
  t.ok(ids.every(id => table.has(id) && table.get(id) === model.get(id)))
})

t.test('an iteration visits each staying peer once while others join and leave', async t => {
  const table = new PeerTable()
  const peers = Array.from({ length: 10 }, (_, i) => peer(10 * (i + 1)))
  for (const one of peers) table.add(one)
  const met: number[] = []
  for (const { id } of table.after(0)) {
    met.push(id)
    if (id === 20) table.delete(peers[0])
    if (id === 30) table.delete(peers[2])
    if (id === 40) table.add(peer(45))
    if (id === 50) table.delete(peers[5])
    if (id === 70) table.add(peer(15))
  }
  t.same(met, [10, 20, 30, 40, 45, 50, 70, 80, 90, 100])
})
