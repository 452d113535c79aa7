import t from 'tap'
import { eventLine, textWithCount } from '../../src/cli/event-line.ts'

const at = '2025-01-31T12:00:00.000Z'

t.test('the heading of a line is separate', async t => {
  t.match(eventLine({ type: 'dropped', at, id: 7, room: 'main', reason: 'short-packet', count: 3 }),
    { at, severity: 'warning', heading: 'dropped', text: 'packet from 7 (short-packet)', count: 3 })
  t.match(eventLine({ type: 'stopped', at }), { heading: 'stopped', text: '', count: undefined })
})

t.test('a count above one is shown', async t => {
  const line = eventLine({ type: 'dropped', at, id: 7, room: 'main', reason: 'short-packet', count: 1 })
  t.equal(textWithCount(line), 'packet from 7 (short-packet)')
  t.equal(textWithCount({ ...line, count: 3 }), 'packet from 7 (short-packet) ×3')
  t.equal(textWithCount({ ...line, count: undefined }), 'packet from 7 (short-packet)')
})
