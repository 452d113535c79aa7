import { fastifySSE, type SSEMessage } from '@fastify/sse'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply } from 'fastify'
import Type from 'typebox'
import { HttpError, problem } from '../plugins/problem.ts'
import type { EventFeed, EventFilter } from '../src/admin/event-feed.ts'
import { eventTypes, transientTypes, type EventType } from '../src/admin/feed-event.ts'
import { EventStream } from './event-stream.ts'
import { PeerId } from './schemas.ts'

/** Milliseconds between two comments on a stream on which nothing happens: proxies cut what is silent for a minute. */
const HEARTBEAT = 15_000
/** Milliseconds that a client is told to wait before it comes back. */
const RETRY = 2000
/** Milliseconds that a reader may take for the end of a stream when the app closes. */
const LAST_WORDS = 100

const names = Object.keys(eventTypes).join(', ')
const isTypeList = (text: string): boolean => text.split(',').every(type => Object.hasOwn(eventTypes, type.trim()))
const description = `Server-Sent Events: \`event\` is the type, \`data\` an object with \`type\`, \`at\` and what the type tells; \`id\` there is the peer's.

${Object.entries(eventTypes).map(([type, meaning]) => `- \`${type}\`: ${meaning}`).join('\n')}
- \`reset\`: What was missed is no longer known; what follows is what happens from now on

Every event that can be replayed has an id. A client that comes back with it as \`Last-Event-ID\` gets exactly what it missed, or \`reset\`. A stream that is read too slowly is cut.`

/** What happens, as it happens. */
export const eventRoutes: FastifyPluginAsyncTypebox<{ feed: EventFeed, maxStreams: number }> = async (app, { feed, maxStreams }) => {
  const streams = new Map<EventStream, FastifyReply>()
  await app.register(fastifySSE, { heartbeatInterval: HEARTBEAT })
  app.addHook('preClose', async () => { for (const [stream, reply] of streams) endSoon(stream, reply) })

  app.get('/events', {
    // The text of an event is made once for all streams; and what is not acceptable is our own problem to tell.
    sse: { kind: 'manual', serializer: text => text },
    exposeHeadRoute: false,
    schema: {
      operationId: 'events',
      summary: 'Follow what happens',
      description,
      tags: ['events'],
      querystring: Type.Object({
        types: Type.Optional(Type.Refine(Type.String({ description: `Types of events, separated by commas; all but ${[...transientTypes].join(', ')} unless given`, examples: ['peer_connected,peer_disconnected'] }),
          text => text === '' || isTypeList(text), () => `must be some of ${names}, separated by commas`)),
        peer: Type.Optional({ ...PeerId, description: 'Only what is about this peer' }),
        sample: Type.Optional(Type.Integer({ minimum: 1, maximum: 1_000_000, description: 'Of the packets every so many-th, 100 unless given; a hundred a second at most', examples: [100] })),
        recent: Type.Optional(Type.Integer({ minimum: 1, maximum: 1000, description: 'Without `Last-Event-ID`: begin with so many of the latest events', examples: [50] }))
      }, { additionalProperties: false }),
      headers: Type.Object({
        'last-event-id': Type.Optional(Type.String({ description: 'The id of the event that was seen last' }))
      }),
      response: {
        200: { description: 'Events, until the client ends the stream or the app closes', content: { 'text/event-stream': { schema: Type.String() } } },
        400: problem('A parameter is wrong'),
        406: problem('The client does not accept text/event-stream'),
        503: problem('Too many streams are open')
      }
    }
  }, async ({ query, headers, log }, reply) => {
    if (!acceptsEvents(headers.accept)) throw new HttpError(406, 'This is text/event-stream')
    if (streams.size >= maxStreams) throw new HttpError(503, `${maxStreams} streams are open`)
    const filter = filterOf(query)
    const { 'last-event-id': lastId = '' } = headers
    const missed = lastId === '' ? feed.latest(query.recent ?? 0, filter) : feed.since(lastId, filter)
    const stream = new EventStream(missed ?? [], missed === undefined ? resetAt(feed.lastId) : markAt(feed.lastId), () => {
      log.warn('an event stream is read too slowly, and cut')
      reply.raw.destroy()
    })
    const leave = feed.subscribe({ ...filter, send: stream.send })
    streams.set(stream, reply)
    reply.sse.onClose(() => {
      leave()
      streams.delete(stream)
      stream.end()
    })
    // No other request will follow on the connection, so it does not hold up an app that closes.
    reply.header('connection', 'close').header('cache-control', 'no-store')
    reply.sse.sendHeaders()
    await reply.sse.send(stream)
  })
}

function filterOf ({ types = '', peer, sample: every = 100 }: { types?: string, peer?: number, sample?: number }): EventFilter {
  return { types: types === '' ? undefined : new Set(types.split(',').map(type => type.trim() as EventType)), peer, every }
}

/** Whether an Accept header lets text/event-stream in; none lets in all. */
function acceptsEvents (accept = '*/*'): boolean {
  return /text\/event-stream|text\/\*|\*\/\*/i.test(accept)
}

/** Where a stream begins: a client that saw nothing yet can come back to it all the same. */
function markAt (id: string): SSEMessage {
  return { id, retry: RETRY, data: undefined }
}

function resetAt (id: string): SSEMessage {
  return { id, event: 'reset', data: JSON.stringify({ type: 'reset', at: new Date().toISOString() }), retry: RETRY }
}

/** Ends a stream; a reader that does not take the end is cut, for it would keep the app from closing. */
function endSoon (stream: EventStream, reply: FastifyReply): void {
  stream.end()
  setTimeout(() => { reply.raw.destroy() }, LAST_WORDS)
}
