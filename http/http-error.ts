/** An invalid value in a request: a JSON pointer to it, starting with the part of the request, and why. */
export interface RequestFault { readonly pointer: string, readonly message: string }

/** An error specific to HTTP: its status and response headers. */
export class HttpError extends Error {
  readonly statusCode: number
  readonly headers: Readonly<Record<string, string>>

  constructor (statusCode: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message)
    this.name = 'HttpError'
    this.statusCode = statusCode
    this.headers = headers
  }
}

/** A body has another content type than those `expected`. */
export function unsupportedType (expected: string): HttpError {
  return new HttpError(415, `Unsupported content type: expected ${expected}`)
}

/** A request that does not match its schema. */
export class BadRequest extends HttpError {
  readonly errors: readonly RequestFault[]

  constructor (errors: readonly RequestFault[]) {
    super(400, errors.map(({ pointer, message }) => `${pointer} ${message}`).join(', '))
    this.errors = errors
  }
}
