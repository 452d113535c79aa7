import t from 'tap'
import { Message, readAge, readSender } from '../../../bench/load/message.ts'
import { wires } from '../../../bench/load/wire.ts'
import type { Wire } from '../../../bench/load/wire.ts'
import { frameSize, parseFrame } from '../../helper/sockets/raw-frame.ts'

const TIME = 12_345_678
const SENDER = 700

for (const [name, wire] of Object.entries<Wire>(wires)) {
  for (const size of [17, 125, 126, 1024, 65_536]) {
    t.test(`${name}, ${size} B: sender and time are read back from a stamped message`, async t => {
      const message = new Message(wire, 5, SENDER, size)
      const frames = message.stamped(3, TIME)
      const each = message.sent.length
      t.equal(frames.length, 3 * each)

      const last = frames.subarray(2 * each)
      const head = wire.head === undefined ? undefined : parseFrame(last.subarray(0, frameSize(last)))
      t.equal(head?.payload.toString(), wire.head)
      const { payload, masked, opcode } = parseFrame(head === undefined ? last : last.subarray(frameSize(last)))
      t.same([payload.length, masked, opcode], [size, true, wire.opcode])
      const textAt = wire.prefix(5).length
      t.equal(readSender(payload, textAt), SENDER)
      t.equal(readAge(payload, textAt, TIME + 99), 99)
    })
  }
}

t.test('received frames have the payload of sent ones, unmasked and without a time', async t => {
  const message = new Message(wires.websocket, 0, SENDER, 200)
  t.same(parseFrame(message.received).payload, parseFrame(message.stamped(1, 0)).payload)
  t.equal(readSender(message.received, message.textAt), SENDER)
})

t.test('readAge handles a wrapped time', async t => {
  const frame = new Message(wires.websocket, 0, 0, 64).stamped(1, 2 ** 25 - 10)
  t.equal(readAge(parseFrame(frame).payload, 0, 2 ** 25 + 5), 15)
})

t.test('Godot 4: the header has the target when sent, the source when received', async t => {
  const message = new Message(wires.multiplayer4, 5, SENDER, 64)
  t.equal(parseFrame(message.stamped(1, 0)).payload.subarray(0, 7).toString('hex'), '07030000000003')
  t.equal(parseFrame(message.received).payload.subarray(0, 7).toString('hex'), '07030500000003')
})
