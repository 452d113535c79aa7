import type { ClientEvent } from '../client/client.ts'
import type { FeedData } from '../admin/feed-event.ts'
import { duration, endpoint, printable } from './format.ts'

/** How something is meant, in the order of its gravity. */
export type Tone = 'quiet' | 'good' | 'warn' | 'bad'

/** What happened, in a line that begins with its verb; `count` when it stands for several. */
export interface EventLine { readonly at: string, readonly tone: Tone, readonly text: string, readonly count: number | undefined }

type Sentence = readonly [Tone, string]

const quoted = (text: string): string => text === '' ? '' : ` "${text}"`
const joined = ({ id, address, port, protocol }: FeedData['peer_connected']): Sentence => ['good', `joined ${id} from ${endpoint(address, port)}${protocol === '' ? '' : ` (${protocol})`}`]
const left = ({ id, cause, outcome, code, reason, seconds }: FeedData['peer_disconnected']): Sentence =>
  [outcome === 'clean' ? 'quiet' : 'warn', `left ${id} by ${cause}, ${code}${quoted(reason)}, after ${duration(seconds)}`]

/** What each type of event says. */
const sentences: { readonly [Type in keyof FeedData]?: (data: FeedData[Type]) => Sentence } = {
  client_connected: joined,
  peer_connected: joined,
  client_close_request: ({ id, code, reason }) => ['quiet', `closing ${id} asks for it, ${code}${quoted(reason)}`],
  client_disconnected: left,
  peer_disconnected: left,
  refused: ({ reason, address }) => ['warn', `refused ${reason} from ${address}`],
  limited: ({ limit, option, id, address }) => ['warn', `limited ${limit} (${option})${id === undefined ? '' : ` by ${id}`}${address === undefined ? '' : ` from ${address}`}`],
  dropped: ({ id, reason }) => ['warn', `dropped ${reason} by ${id}`],
  listening: ({ port, mode }) => ['good', `listening on port ${port} (${mode})`],
  stopped: () => ['bad', 'stopped'],
  admin: ({ by, action, id, parameters, status }) => [status < 400 ? 'quiet' : 'bad', `${by ?? 'someone'}: ${action}${id === undefined ? '' : ` ${id}`} ${JSON.stringify(parameters)} -> ${status}`],
  unauthorized: ({ status, address }) => ['warn', `unauthorized ${status} from ${address}`],
  packet: ({ id, target, bytes, isText, hex }) => ['quiet', `packet ${id}${target === undefined ? '' : ` -> ${target}`} ${bytes} B ${isText ? 'text' : 'binary'} ${hex}`]
}

/** An event in a line. */
export function describeEvent (event: Exclude<ClientEvent, { type: 'open' }>): EventLine {
  if (event.type === 'reset') return { at: event.at, tone: 'warn', text: 'missed what happened meanwhile: it is no longer known', count: undefined }
  const [tone, text] = (sentences[event.type] as ((data: ClientEvent) => Sentence) | undefined)?.(event) ?? ['quiet', event.type]
  return { at: event.at, tone, text: printable(text), count: 'count' in event ? event.count : undefined }
}

/** The text of a line with its count. */
export function withCount ({ text, count = 1 }: EventLine): string {
  return count > 1 ? `${text} x${count}` : text
}
