// The REST client of the page. Only this module holds the token: in memory, and if the user wants it, in the session
// storage of the tab.
import { PeerServerClient } from '../client/client.js'
import { storageOf } from './storage.js'

const url = new URL('.', document.baseURI).href
const prefix = document.querySelector('meta[name=api]').content
/** Several services may have the same origin. */
const storageKey = `token of ${new URL(prefix, url).pathname}`
const storage = storageOf('sessionStorage')
let token = storage.getItem(storageKey) ?? undefined
let server

/** Seconds until the server has failed to respond. */
const TIMEOUT = 30

/** Names of the servers; the first is selected initially. Empty until they are loaded. */
export let servers = []

/** The client of the selected server. */
export let client = createClient()

/** Loads the names of the servers. */
export async function loadServers () {
  const signal = AbortSignal.timeout(TIMEOUT * 1000)
  const response = await fetch(new URL('dashboard/servers.json', document.baseURI), { signal })
  if (!response.ok) throw new Error(`the service responded with ${response.status}`)
  servers = await response.json()
}

/** Whether requests have a token. */
export function hasToken () {
  return token !== undefined
}

/** Whether the token is kept when the page is loaded again. */
export function isTokenRemembered () {
  return storage.getItem(storageKey) !== null
}

/** Sets the token of all later requests; `remember`: whether it is kept when the page is loaded again. */
export function setToken (text, remember) {
  token = text
  if (remember) storage.setItem(storageKey, text)
  client = createClient()
}

/** Removes the token. */
export function forgetToken () {
  token = undefined
  storage.removeItem(storageKey)
  client = createClient()
}

/** Sends all later requests to this server. */
export function selectServer (name) {
  server = name === servers[0] ? undefined : name
  client = createClient()
}

function createClient () {
  return new PeerServerClient({ url, prefix, token, server })
}
