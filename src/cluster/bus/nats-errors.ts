import { BusError } from './bus.ts'

/** Codes of the JetStream API that are handled. */
const WRONG_REVISION = [10071, 10164]
const NO_STREAM = 10059
const NO_MESSAGE = [10043, 10057]
/** While a stream is being created its subjects overlap with those of another one, or it has no store yet. */
const BEING_CREATED = [10065, 10012, 10096]

/** Converts an error of the client to one of the bus. */
export function busError (error: unknown, subject: string): Error {
  if (!(error instanceof Error) || error instanceof BusError) return error as Error
  if (hasName(error, 'NoResponders')) return new BusError('no-responders', subject)
  if (isTimeout(error)) return new BusError('timeout', subject)
  if (isApiError(error)) return new BusError('refused', `${subject}: ${error.message}`, { cause: error })
  return new BusError('disconnected', subject)
}

/** Whether the broker has not responded in time. */
export function isTimeout (error: unknown): boolean {
  return hasName(error, 'TimeoutError')
}

/** Whether a key was not changed because it has another revision, or none. */
export function isWrongRevision (error: unknown): boolean {
  return isApiError(error) && WRONG_REVISION.includes(error.code)
}

/** Whether the broker has no such store: it was restarted and has lost its keys. */
export function isMissingStore (error: unknown): boolean {
  return isApiError(error) ? error.code === NO_STREAM : hasName(error, 'NoResponders')
}

/** Whether a message of a stream was not deleted because it no longer exists. */
export function isMissingMessage (error: unknown): boolean {
  return isApiError(error) && NO_MESSAGE.includes(error.code)
}

/** Whether another node may be creating the same store at this moment. */
export function isBeingCreated (error: unknown): boolean {
  return isApiError(error) && BEING_CREATED.includes(error.code)
}

/** What is wrong and what to do, in one sentence. */
export function describeFailure (error: unknown): string {
  if (hasName(error, 'JetStreamNotEnabled')) return 'JetStream is off: start the broker with nats-server -js'
  if (hasName(error, 'AuthorizationError')) return 'the broker refuses the credentials'
  return `the broker cannot be reached: ${error instanceof Error ? error.message : String(error)}`
}

/** An error of the JetStream API. */
function isApiError (error: unknown): error is Error & { code: number } {
  return error instanceof Error && typeof (error as { code?: unknown }).code === 'number'
}

/** Whether it or one of its causes has this name. */
function hasName (error: unknown, name: string): boolean {
  return error instanceof Error && (error.name === name || hasName(error.cause, name))
}
