import t from 'tap'
import { describeEvent, withCount } from '../../src/cli/event-line.ts'
import { eventTypes } from '../../src/admin/feed-event.ts'

const at = '2025-01-31T12:00:00.000Z'

/** Something in every member that any type of event has. */
const everything = { reason: 'x', address: 'a', port: 1, mode: 'own', count: 3, id: 7, code: 1000, parameters: {}, status: 200, action: 'stop', by: null, protocol: 'chat', limit: 'slow-peer', option: 'outputBufferKb', cause: 'server', outcome: 'clean', seconds: 5, bytes: 1, hex: '00', standsFor: 1 }

/** An event of a type, with everything and what else is given. */
function event (type: string, more: object = {}) {
  return { type, at, ...everything, ...more } as unknown as Parameters<typeof describeEvent>[0]
}

t.test('every type of event has its words', async t => {
  for (const type of Object.keys(eventTypes).filter(type => type !== 'stats')) {
    const { text } = describeEvent(event(type))
    if (type !== 'stopped') t.not(text, type)
    t.notMatch(text, /undefined|NaN/, type)
  }
  t.match(describeEvent({ type: 'reset', at }).text, /no longer known/)
})

t.test('what stands for several says so', async t => {
  t.equal(withCount(describeEvent(event('dropped'))), 'dropped x by 7 x3')
  t.equal(withCount(describeEvent(event('dropped', { count: 1 }))), 'dropped x by 7')
})

t.test('what a client says cannot hide commands for the terminal', async t => {
  t.equal(describeEvent(event('client_close_request', { reason: '\u001B]0;owned\u0007\n\u202E' })).text, 'closing 7 asks for it, 1000 "\uFFFD]0;owned\uFFFD\uFFFD\uFFFD"')
})
