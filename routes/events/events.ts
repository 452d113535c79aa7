import { fastifySSE, type SSEMessage } from '@fastify/sse'
import type { FastifyPluginAsyncTypebox } from '@fastify/type-provider-typebox'
import type { FastifyReply } from 'fastify'
import { isolated } from '../../http/isolated.ts'
import { closeResponse, hasLeft } from '../../http/left-client.ts'
import { mayWait } from '../../http/may-wait.ts'
import { HttpError } from '../../http/http-error.ts'
import { problem } from '../../http/problem.ts'
import type { EventFeed, EventFilter } from '../../src/admin/event-feed.ts'
import { eventTypes, transientTypes, type EventType } from '../../src/admin/feed-event.ts'
import { ref } from '../../http/document/shared-schema.ts'
import { Type } from '../../src/typebox.ts'
import { Event } from './event-schemas.ts'
import { EventStream } from './event-stream.ts'
import { scope } from '../page.ts'
import { badRequest, PeerId, RoomName } from '../schemas.ts'

/**
 * Milliseconds between comments on a stream: proxies close connections that are idle for a minute, and the typed client
 * considers a stream lost after 45 s without one.
 */
const HEARTBEAT = 15_000
/** Milliseconds that a client should wait before it reconnects. */
const RETRY = 2000
/** Milliseconds that a reader may take to read the end of a stream when the app closes. */
const DRAIN_TIME = 100

const names = Object.keys(eventTypes).join(', ')
const isTypeList = (text: string): boolean => text.split(',').every(type => Object.hasOwn(eventTypes, type.trim()))
const description = `Server-Sent Events: \`event\` is the type, \`data\` an object with \`type\`, \`at\` and the members
of the type; \`id\` in it is the peer's.

${Object.entries(eventTypes).map(([type, meaning]) => `- \`${type}\`: ${meaning}`).join('\n')}
- \`reset\`: Missed events are no longer available; the stream continues with new events
- \`merged\`: Many events at once, as one with \`of\` (their type) and \`count\`; only with \`merge=true\`

Every event that can be replayed has an id. A client that reconnects with it as \`Last-Event-ID\` receives exactly the
events that it missed, or \`reset\`. A stream that is read too slowly is closed; \`merge=true\` keeps it open when
thousands of peers or rooms come or go at once.`

// One for each route: describing failures changes it.
const createSchema = () => ({
  operationId: 'events',
  summary: 'Follow events',
  description,
  tags: ['events'],
  querystring: Type.Object({
    types: Type.Optional(Type.Refine(Type.String({
      description: `Event types, comma-separated; by default all except ${[...transientTypes].join(', ')}`,
      examples: ['peer_connected,peer_disconnected']
    }), text => text === '' || isTypeList(text), () => `must be a comma-separated list of ${names}`)),
    peer: Type.Optional({ ...PeerId, description: 'Only events about this peer' }),
    room: Type.Optional({ ...RoomName, description: 'Only events about this room and its peers' }),
    scope,
    sample: Type.Optional(Type.Integer({
      minimum: 1,
      maximum: 1_000_000,
      description: 'Sample one packet in N, by default 100; at most a hundred samples per second',
      examples: [100]
    })),
    merge: Type.Optional(Type.Boolean({
      description:
        'Merge what happens to many peers or rooms at once: from the 51st event of the same type and cause on, those ' +
        'that wait to be sent become one event `merged`'
    })),
    duration: Type.Optional(Type.Number({
      exclusiveMinimum: 0,
      maximum: 86400,
      description: 'Seconds after which the stream ends; without it only the client ends it',
      // Swagger UI shows a response only when it has ended.
      examples: [3]
    })),
    recent: Type.Optional(Type.Integer({
      minimum: 1,
      maximum: 1000,
      description: 'Without `Last-Event-ID`: start with this many of the latest events',
      examples: [50]
    }))
  }, { additionalProperties: false }),
  headers: Type.Object({
    'last-event-id': Type.Optional(Type.String({ description: 'The id of the last event received' }))
  }),
  response: {
    200: {
      description: 'Events, until the client closes the stream or the app closes',
      // The schema of one message's `data`, as generators of clients understand it.
      content: { 'text/event-stream': { schema: ref(Event) } }
    },
    400: badRequest('Invalid parameter', '/query/recent', 'must be <= 1000'),
    406: problem('The client does not accept text/event-stream', notAcceptable()),
    503: problem('Too many streams are open', allInUse(128))
  }
})

interface Options { feed: EventFeed, maxStreams: number }

/** Live events of the server. */
export const eventRoutes: FastifyPluginAsyncTypebox<Options> = async (app, { feed, maxStreams }) => {
  const streams = new Map<EventStream, FastifyReply>()
  // Not in the route's options: there an @fastify/sse of the host would see it, and send comments at its own interval.
  app.addHook('onRoute', route => {
    // An event is serialised once for all streams, and 406 is a problem document of our own.
    route.sse = { kind: 'manual', serializer: text => text }
  })
  await app.register(fastifySSE, { heartbeatInterval: HEARTBEAT })
  let isClosing = false
  app.addHook('preClose', async () => {
    isClosing = true
    for (const [stream, reply] of streams) endSoon(stream, reply)
  })

  app.get('/events', isolated({
    ...mayWait(app),
    exposeHeadRoute: false,
    schema: createSchema()
  }), async ({ query, headers, log, raw: { socket } }, reply) => {
    if (hasLeft(reply.raw)) return reply.hijack()
    if (!acceptsEvents(headers.accept)) throw notAcceptable()
    if (streams.size >= maxStreams) throw allInUse(maxStreams)
    const filter = filterOf(query)
    const { 'last-event-id': lastId = '' } = headers
    const missed = lastId === '' ? feed.latest(query.recent ?? 0, filter) : feed.since(lastId, filter)
    const start = missed === undefined ? resetAt(feed.lastId) : markAt(feed.lastId)
    const stream = new EventStream({
      missed: missed ?? [],
      mark: start,
      mayMerge: query.merge === true,
      onSlow: () => {
        log.warn('event stream closed: read too slowly')
        reply.raw.destroy()
      }
    })
    const leave = feed.subscribe({ ...filter, send: stream.send })
    streams.set(stream, reply)
    const timer = query.duration === undefined ? undefined : setTimeout(() => { stream.end() }, query.duration * 1000)
    reply.sse.onClose(() => {
      clearTimeout(timer)
      leave()
      streams.delete(stream)
      stream.end()
    })
    if (isQueued(reply.raw)) socket.once('close', () => { if (!hasLeft(reply.raw)) closeResponse(reply.raw) })
    // No other request follows on the connection, so it does not delay an app that closes.
    reply.header('connection', 'close').header('cache-control', 'no-store')
    reply.sse.sendHeaders()
    if (isClosing) endSoon(stream, reply)
    await reply.sse.send(stream)
  })
}

/** Whether earlier responses of its connection are sent first. */
function isQueued ({ socket }: FastifyReply['raw']): boolean {
  return socket === null
}

function notAcceptable (): HttpError {
  return new HttpError(406, 'Only text/event-stream is available')
}

function allInUse (maxStreams: number): HttpError {
  return new HttpError(503, `All ${maxStreams} streams are in use`)
}

interface Query { types?: string, peer?: number, room?: string, scope?: string, sample?: number }

function filterOf ({ types = '', peer, room, scope, sample: every = 100 }: Query): EventFilter {
  return {
    types: types === '' ? undefined : new Set(types.split(',').map(type => type.trim() as EventType)),
    peer,
    room,
    isLocal: scope === 'local',
    every
  }
}

/** Whether an Accept header allows text/event-stream; without one everything is allowed. */
function acceptsEvents (accept = '*/*'): boolean {
  return /text\/event-stream|text\/\*|\*\/\*/i.test(accept)
}

/** The position where a stream starts, so that a client can reconnect even if it has received no event yet. */
function markAt (id: string): SSEMessage {
  return { id, retry: RETRY, data: undefined }
}

function resetAt (id: string): SSEMessage {
  return { id, event: 'reset', data: JSON.stringify({ type: 'reset', at: new Date().toISOString() }), retry: RETRY }
}

/** Ends a stream; a reader that does not read the end is cut, as it would keep the app from closing. */
function endSoon (stream: EventStream, reply: FastifyReply): void {
  stream.end()
  setTimeout(() => { reply.raw.destroy() }, DRAIN_TIME)
}
