import t from 'tap'
import { Presence } from '../../../../src/core/rpc/replication/presence.ts'
import type { PresenceParts } from '../../../../src/core/rpc/replication/presence.ts'
import { Random, seed } from '../../../helper/random/random.ts'

const createPresence = (): Presence => new Presence({ path: 'Main', parents: [] } as unknown as PresenceParts)

t.test('peers have a common id while all of them have the same one', async t => {
  const presence = createPresence()
  t.equal(presence.commonId(0), undefined)
  presence.setId(10, 7)
  t.equal(presence.commonId(1), 7)
  t.equal(presence.commonId(2), undefined, 'another peer has none')
  presence.setId(11, 8)
  t.equal(presence.commonId(2), undefined)
  presence.setId(11, 7)
  t.equal(presence.commonId(2), 7)
  presence.setId(10, 8)
  presence.forget(11)
  t.equal(presence.commonId(1), 8)
  presence.forgetAll()
  t.equal(presence.commonId(0), undefined)
})

t.test('the common id is that of all peers, in any order of changes', async t => {
  const random = new Random(seed)
  const presence = createPresence()
  for (let step = 0; step < 1000; step++) {
    const peer = 10 + random.below(4)
    if (random.below(3) === 0) presence.forget(peer)
    else presence.setId(peer, 1 + random.below(2))
    const ids = new Set(presence.ids.values())
    const expected = ids.size === 1 ? [...ids][0] : undefined
    t.equal(presence.commonId(presence.ids.size), expected, `step ${step} of seed ${seed}`)
  }
})
