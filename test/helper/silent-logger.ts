import type { Logger } from '../../src/logger.ts'

const discard = (): void => {}

/** Discards everything. */
export const silentLogger: Logger = { debug: discard, info: discard, warn: discard, error: discard }
