import { ApiError } from '../client/client.ts'
import { UsageError } from './command.ts'

/** Describes an error for the terminal, in lines; `command` is the name of the command that failed, if there is one. */
export function describeError (error: unknown, command: string | undefined): string[] {
  if (error instanceof UsageError) {
    return [error.message, `Try: fastify-peer-server ${command === undefined ? '' : `${command} `}--help`]
  }
  if (error instanceof ApiError) return describeApiError(error)
  const { cause, message, name } = error as Error
  if (name === 'TimeoutError') return ['The service did not respond in time.']
  return [cause === undefined ? message : `Cannot reach the service: ${causeMessage(cause)}`]
}

function describeApiError (error: ApiError): string[] {
  if (error.status === 401) return ['Unauthorized: wrong or missing admin token. Use --token or set ADMIN_TOKEN.']
  // The service's own errors have a code.
  if (error.problem.code === undefined) return [`${error.message}; is the URL correct?`]
  return error.details
}

/** The message of a failed connection; a host with several addresses has one error for each and none for all. */
function causeMessage (cause: unknown): string {
  const [first = cause] = cause instanceof AggregateError ? cause.errors : []
  return first instanceof Error ? first.message : String(first)
}
