// The REST API, as the page uses it. The token lives in this module only, and ends with the page.

const api = new URL(`${document.querySelector('meta[name=api]').content}/`, document.baseURI)
let root = api
let token = ''

/** Names of the servers that there are; the first is the one that is asked until `chooseServer`. */
export const servers = document.querySelector('meta[name=servers]').content.split(' ')

/** What the server says when something is wrong (RFC 9457). */
export class Problem extends Error {
  constructor (status, { detail, errors } = {}) {
    super(errors?.map(({ pointer, message }) => `${pointer.replace(/^\/\w+\//, '')} ${message}`).join('; ') || detail || `The server answered with ${status}`)
    this.status = status
  }
}

/** From here on requests carry this token. */
export function setToken (text) {
  token = text
}

/** From here on this server is asked. */
export function chooseServer (name) {
  root = name === servers[0] ? api : new URL(`${name}/`, api)
}

/** Asks the API: resolves with the JSON of the answer, rejects with a Problem. */
export async function ask (method, path, { query = {}, json, body, type, signal } = {}) {
  const headers = { ...(json === undefined ? {} : { 'content-type': 'application/json' }), ...(type === undefined ? {} : { 'content-type': type }) }
  const response = await send(method, path, query, { headers, body: json === undefined ? body : JSON.stringify(json), signal })
  return response.status === 204 ? undefined : await response.json()
}

/** Opens the stream of events, from behind the event with `lastId` on: yields `{ id, type, data }`. */
export async function * openEvents (query, lastId, signal) {
  const headers = { accept: 'text/event-stream', ...(lastId === '' ? {} : { 'last-event-id': lastId }) }
  const response = await send('GET', 'events', query, { headers, signal })
  yield { type: 'open' }
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  for (;;) {
    const { value, done } = await reader.read()
    if (done) return
    const blocks = (text + value).split('\n\n')
    text = blocks.pop()
    for (const block of blocks) yield readBlock(block)
  }
}

async function send (method, path, query, { headers, ...init }) {
  const url = new URL(path, root)
  for (const [name, value] of Object.entries(query)) if (value !== undefined && value !== '') url.searchParams.set(name, value)
  const authorization = token === '' ? {} : { authorization: `Bearer ${token}` }
  const response = await fetch(url, { method, headers: { ...headers, ...authorization }, cache: 'no-store', ...init })
  if (response.ok) return response
  throw new Problem(response.status, await response.json().catch(() => ({})))
}

function readBlock (block) {
  const fields = Object.fromEntries(block.split('\n').map(line => line.split(/: ?(.*)/s, 2)))
  return { id: fields.id, type: fields.event, data: fields.data === undefined ? undefined : JSON.parse(fields.data) }
}
