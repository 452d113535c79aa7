// The REST client of the page. Only this module holds the token; it is gone when the page is closed.
import { PeerServerClient } from './client/client.js'

const url = new URL('.', document.baseURI).href
const prefix = document.querySelector('meta[name=api]').content
let token
let server

/** Names of the servers; the first is selected initially. */
export const servers = await (await fetch(new URL('dashboard/servers.json', document.baseURI))).json()

/** The client of the selected server. */
export let client = createClient()

/** Sets the token of all further requests. */
export function setToken (text) {
  token = text
  client = createClient()
}

/** Sends all further requests to this server. */
export function selectServer (name) {
  server = name === servers[0] ? undefined : name
  client = createClient()
}

function createClient () {
  return new PeerServerClient({ url, prefix, token, server })
}
