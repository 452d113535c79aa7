import { close, open } from 'node:fs'
import { devNull } from 'node:os'
import { internalsOf } from '../core/server/websocket-server.ts'
import type { WebSocketServer } from '../core/server/websocket-server.ts'

const INTERVAL = 1000
const exhausted = new Set(['EMFILE', 'ENFILE'])

/**
 * Reports limit `no-descriptor` while the process has no file descriptors left, as long as the server listens. Node cannot tell: libuv then
 * accepts and closes every new connection itself, without any event. So a file is opened once a second to see whether that works.
 */
export function probeDescriptors (server: WebSocketServer): void {
  let timer: NodeJS.Timeout | undefined
  server.monitor.events.on('listening', () => { timer ??= setInterval(() => { probe(server) }, INTERVAL).unref() })
  server.monitor.events.on('stopped', () => {
    clearInterval(timer)
    timer = undefined
  })
}

function probe (server: WebSocketServer): void {
  open(devNull, (error, descriptor) => {
    if (error === null) close(descriptor)
    else if (exhausted.has(error.code ?? '')) internalsOf(server).monitor.limited('no-descriptor', { error })
  })
}
