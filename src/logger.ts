/** Where the server writes what an operator may want to know: pino's shape, so that a Fastify logger fits (option `log`). */
export interface Logger {
  debug (details: object, message: string): void
  info (details: object, message: string): void
  warn (details: object, message: string): void
  error (details: object, message: string): void
}

const discard = (): void => {}

/** Discards everything. */
export const silentLogger: Logger = { debug: discard, info: discard, warn: discard, error: discard }

/** Writes warnings and errors to the console: the default of a server without option `log`. */
export const consoleLogger: Logger = {
  debug: discard,
  info: discard,
  warn: (details, message) => { console.warn(`fastify-peer-server: ${message}`, details) },
  error: (details, message) => { console.error(`fastify-peer-server: ${message}`, details) }
}
