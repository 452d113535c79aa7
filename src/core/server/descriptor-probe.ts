import { close, open } from 'node:fs'
import { devNull } from 'node:os'
import type { Monitor } from './monitor.ts'

const INTERVAL = 1000
const exhausted = new Set(['EMFILE', 'ENFILE'])

/**
 * Reports limit `no-descriptor` while the process has no file descriptors left, as long as the server listens. Node
 * cannot tell: libuv then accepts and closes every new connection itself, without any event. So a file is opened once a
 * second to see whether that works.
 */
export function probeDescriptors (monitor: Monitor): void {
  let timer: NodeJS.Timeout | undefined
  monitor.events.on('listening', () => { timer ??= setInterval(() => { probe(monitor) }, INTERVAL).unref() })
  monitor.events.on('stopped', () => {
    clearInterval(timer)
    timer = undefined
  })
}

function probe (monitor: Monitor): void {
  open(devNull, (error, descriptor) => {
    if (error === null) close(descriptor)
    else if (exhausted.has(error.code ?? '')) monitor.limited('no-descriptor', { error })
  })
}
