import t from 'tap'
import { CallSender } from '../../../src/core/rpc/wire/call-sender.ts'
import type { OutgoingCall } from '../../../src/core/rpc/wire/call-sender.ts'
import { PathCache } from '../../../src/core/rpc/wire/path-cache.ts'
import type { RpcLink } from '../../../src/core/rpc/wire/rpc-wire.ts'

const bytes = (text: string): Uint8Array => Buffer.from(text)
const call: OutgoingCall = {
  encode: node => bytes(`call ${node}`),
  announcement: () => bytes('announce')
}

/** These peers and 42, which is closing, what was sent to them, and how often all of them were listed. */
function openLink (open: readonly number[] = [10, 11]) {
  const sent: Array<[to: number, packet: string]> = []
  const link: RpcLink & { lists: number } = {
    lists: 0,
    connected: new Set([...open, 42]),
    areAllConnected: true,
    isOpen: id => open.includes(id),
    openPeers () {
      link.lists++
      return open.map(id => ({ id }))
    },
    check () {},
    putTo (to, packet) { sent.push([to, Buffer.from(packet).toString()]) }
  }
  return { link, sent, sender: new CallSender(link), own: new PathCache().own('Main') }
}

t.test('a call to one peer does not list the others', async t => {
  const { link, sent, sender, own } = openLink()
  sender.sendUnconfirmed(11, own, call)
  t.same(sent, [[11, 'announce'], [11, 'call Main']])
  t.equal(link.lists, 0)
  sender.sendUnconfirmed(-11, own, call)
  t.equal(link.lists, 1, 'a call to several does')
})

t.test('a call to one peer that is closing is not sent', async t => {
  const { sent, sender, own } = openLink()
  sender.sendUnconfirmed(42, own, call)
  sender.sendUnconfirmed(43, own, call)
  t.same(sent, [])
})

t.test('one peer with other methods does not affect how calls to many are sent to the others', async t => {
  const open = Array.from({ length: 20 }, (_, at) => 10 + at)
  const { sent, sender, own } = openLink(open)
  for (const id of open) own.announcedTo.add(id)
  const differing = new Set([15])
  const toSome: OutgoingCall = { ...call, accepts: id => !differing.has(id) }
  sender.sendUnconfirmed(0, own, toSome)
  for (const id of open) own.confirmed.add(id)
  sender.sendUnconfirmed(0, own, toSome)
  sender.sendUnconfirmed(-15, own, toSome)
  t.same(sent, [[-15, 'call Main'], [-15, 'call 1'], [-15, 'call 1']])
  sent.length = 0
  differing.add(16)
  sender.sendUnconfirmed(0, own, toSome)
  sender.sendUnconfirmed(-10, own, toSome)
  t.same(sent.map(([to]) => to), [...open, ...open.slice(1)].filter(id => !differing.has(id)))
})

t.test('a peer with other methods does not affect calls to one of the others', async t => {
  const { sender, own } = openLink()
  for (const id of [10, 11, 42]) own.confirmed.add(id)
  own.differing.add(10)
  t.same([10, 11, 0, -10].map(to => sender.isConfirmed(own, to)), [false, true, false, false])
})
