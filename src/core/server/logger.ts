/** Where the server writes what an operator may want to know: pino's shape, so that a Fastify logger fits. */
export interface Logger {
  debug (details: object, message: string): void
  info (details: object, message: string): void
  warn (details: object, message: string): void
  error (details: object, message: string): void
}

const nothing = (): void => {}

/** A log that keeps nothing. */
export const silentLogger: Logger = { debug: nothing, info: nothing, warn: nothing, error: nothing }
