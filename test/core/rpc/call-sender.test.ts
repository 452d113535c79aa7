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

/** Peers 10, 11 and 12 of which 12 is closing, what was sent to them, and how often all of them were listed. */
function openLink () {
  const open = [10, 11]
  const sent: Array<[to: number, packet: string]> = []
  const link: RpcLink & { lists: number } = {
    lists: 0,
    connected: new Set([...open, 12]),
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
  sender.sendUnconfirmed(12, own, call)
  sender.sendUnconfirmed(13, own, call)
  t.same(sent, [])
})

t.test('a peer with other methods does not affect calls to one of the others', async t => {
  const { sender, own } = openLink()
  for (const id of [10, 11, 12]) own.confirmed.add(id)
  own.differing.add(10)
  t.same([10, 11, 0, -10].map(to => sender.isConfirmed(own, to)), [false, true, false, false])
})
