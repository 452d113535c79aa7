import t from 'tap'
import { PathCache } from '../../../src/core/rpc/wire/path-cache.ts'
import { SceneAnnouncer } from '../../../src/core/rpc/wire/scene-announcer.ts'
import { nextTurn } from '../../helper/memory/frame-client.ts'

function open () {
  const paths = new PathCache()
  const sent: string[] = []
  const announcer = new SceneAnnouncer(paths, {
    send: (peer, { path }, id) => { sent.push(`${id} ${path} to ${peer}`) }
  })
  return { paths, sent, announcer }
}

t.test('announces a path once per turn, and under another id in a later one', async t => {
  const { sent, announcer } = open()
  t.same([announcer.announce(5, 'Main'), announcer.announce(5, 'Main')], [1, 1])
  await nextTurn()
  t.equal(announcer.announce(5, 'Main'), 2)
  t.same(sent, ['1 Main to 5', '2 Main to 5'])
})

t.test('announces a path again that got another id in the same turn, or whose peer left and came back', async t => {
  const { paths, sent, announcer } = open()
  announcer.announce(5, 'Main')
  paths.forgetPeer(5)
  announcer.forgetPeer(5)
  t.equal(announcer.announce(5, 'Main'), 1)
  paths.skipIds(3)
  t.equal(announcer.announce(5, 'Main'), 4)
  announcer.forget('Main')
  t.equal(announcer.announce(5, 'Main'), 5)
  t.same(sent, ['1 Main to 5', '1 Main to 5', '4 Main to 5', '5 Main to 5'])
})
