import t from 'tap'
import type { Static, TObject } from 'typebox'
import { eventMembers } from '../../../routes/events/event-schemas.ts'
import { eventTypes, type EventType, type FeedData } from '../../../src/admin/feed-event.ts'

type Described = { [Name in EventType]: Static<TObject<typeof eventMembers[Name]>> }

/** Names of events whose schema lacks a member of their data, or has one that they have not. */
type Different = {
  [Name in EventType]: [keyof FeedData[Name], keyof Described[Name]] extends
  [keyof Described[Name], keyof FeedData[Name]] ? never : Name
}[EventType]

/** Names of events whose data do not fit their schema. */
type Unfit = { [Name in EventType]: FeedData[Name] extends Described[Name] ? never : Name }[EventType]

t.test('every type of event has a schema with the members of its data', async t => {
  // Does not compile if a name is left.
  const isSame: [Different | Unfit] extends [never] ? true : [Different, Unfit] = true
  t.ok(isSame)
  t.same(Object.keys(eventMembers), Object.keys(eventTypes))
})
