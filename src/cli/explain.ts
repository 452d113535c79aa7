import { ApiError } from '../client/client.ts'
import { UsageError } from './command.ts'

/** What went wrong, in words for the terminal; `name` is the command it was in. */
export function explain (error: unknown, name: string | undefined): string {
  if (error instanceof UsageError) return `${error.message}\nTry: fastify-peer-server${name === undefined ? '' : ` ${name}`} --help`
  if (error instanceof ApiError) return refusal(error)
  const { cause, message, name: kind } = error as Error
  if (kind === 'TimeoutError') return 'The service does not answer.'
  return cause === undefined ? message : `The service is not there: ${reasonOf(cause)}`
}

function refusal ({ status, problem, message }: ApiError): string {
  if (status === 401) return 'The service wants its ADMIN_TOKEN, and this is not it: give --token, or set ADMIN_TOKEN.'
  if (problem.errors !== undefined) return problem.errors.map(({ pointer, message }) => `${pointer.split('/').slice(2).join('/')} ${message}`).join('\n')
  return problem.code === undefined ? `${message} (is this the service?)` : message
}

/** What a connection failed of; with several addresses there are several causes, and nothing is said of them together. */
function reasonOf (cause: unknown): string {
  const [first = cause] = cause instanceof AggregateError ? cause.errors : []
  return first instanceof Error ? first.message : String(first)
}
