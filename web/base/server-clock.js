// The clock of the server, from which ages are computed.

/** Milliseconds that the clock of the server is ahead of the browser's. */
let offset = 0

/** Sets the current time of the server. */
export function setServerTime (time) {
  offset = Date.parse(time) - Date.now()
}

/** The current time of the server, in milliseconds. */
export function serverNow () {
  return Date.now() + offset
}
