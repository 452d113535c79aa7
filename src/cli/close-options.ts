import { MAX_REASON_BYTES } from '../protocol/websocket/close-code.ts'
import { parseInteger } from './command.ts'

/** Option of commands that disconnect clients. */
export const reasonOption = {
  type: 'string', placeholder: '<text>', description: `reason sent to the clients, at most ${MAX_REASON_BYTES} bytes`
} as const

/** Options of commands that send a close frame; `code` is the default code, or what it depends on. */
export function closeOptions (code: number | string) {
  return {
    code: {
      type: 'string', placeholder: '<code>', description: `close code (default: ${code}); games use 4000 to 4999`
    },
    reason: reasonOption
  } as const
}

/** Close code and reason for a request, as far as they were given. */
export function closeFrame ({ code, reason }: { code?: string, reason?: string }): { code?: number, reason?: string } {
  return {
    ...(code === undefined ? {} : { code: parseInteger('--code', code) }),
    ...(reason === undefined ? {} : { reason })
  }
}
