/** Logger of the server (option `log`), with pino's signatures, so that a Fastify logger fits. */
export interface Logger {
  /** Logs refused handshakes and dropped packets, one by one. */
  debug (details: object, message: string): void
  /** Logs normal operation. */
  info (details: object, message: string): void
  /** Logs limits that were hit and refused remote calls; repetitions are counted, not repeated. */
  warn (details: object, message: string): void
  /** Logs exceptions of the application's code; repetitions are counted, not repeated. */
  error (details: object, message: string): void
}

const discard = (): void => {}

/** A logger that never throws, so that no caller has to handle that: what `log` throws is written to the console. */
export function safeLogger (log: Logger): Logger {
  const safe = (level: keyof Logger): Logger[typeof level] => (details, message) => {
    try {
      log[level](details, message)
    } catch (error) {
      console.error(`fastify-peer-server: log.${level} threw at '${message}':`, error)
    }
  }
  return { debug: safe('debug'), info: safe('info'), warn: safe('warn'), error: safe('error') }
}

/** Writes warnings and errors to the console: the default of a server without option `log`. */
export const consoleLogger: Logger = {
  debug: discard,
  info: discard,
  warn: (details, message) => { console.warn(`fastify-peer-server: ${message}`, details) },
  error: (details, message) => { console.error(`fastify-peer-server: ${message}`, details) }
}
