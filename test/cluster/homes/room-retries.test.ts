import t from 'tap'
import { BusError } from '../../../src/cluster/bus/bus.ts'
import { RoomRetries, type RoomRetriesHost } from '../../../src/cluster/homes/room-retries.ts'
import type { NodeContext } from '../../../src/cluster/node-context.ts'
import { GodotError } from '../../../src/error.ts'
import { BurstLog } from '../../../src/core/server/log/burst-log.ts'
import { silentLogger } from '../../helper/silent-logger.ts'
import { settled } from '../../helper/memory/memory-cluster.ts'

/** A home of rooms whose operations have these outcomes; without one they succeed. */
function openRetries (outcomes: { close?: Error, write?: Error }): { retries: RoomRetries, calls: string[] } {
  const calls: string[] = []
  const log = {
    ...silentLogger, error: (_details: object, message: string) => { calls.push(`log ${message}`) }
  }
  const attempt = (what: 'close' | 'write', call: string): void => {
    calls.push(call)
    if (outcomes[what] !== undefined) throw outcomes[what]
  }
  const host: RoomRetriesHost = {
    restore: async () => { calls.push('restore') },
    write: async room => { attempt('write', `write ${room}`) },
    gaveUp: room => { calls.push(`gave up ${room}`) },
    close: async (slot, room) => { attempt('close', `close ${room} on ${slot}`) }
  }
  const context = { log, failures: new BurstLog(log), bus: { isConnected: true } }
  const retries = new RoomRetries(context as unknown as NodeContext, host)
  retries.notClosed('arena', new BusError('timeout', 'arena'), 7, { code: 4000, reason: '', openedAt: undefined })
  retries.notWritten('arena', new BusError('timeout', 'arena'))
  return { retries, calls }
}

async function retryTwice (retries: RoomRetries): Promise<void> {
  for (let round = 0; round < 2; round++) {
    retries.retry()
    await settled()
  }
}

t.test('what succeeds is not tried again', async t => {
  const { retries, calls } = openRetries({})
  await retryTwice(retries)
  t.same(calls, ['close arena on 7', 'write arena'])
})

t.test('a rejected request to close a room is not repeated, and changes of the room remain', async t => {
  const { retries, calls } = openRetries({ close: new GodotError('FAILED') })
  await retryTwice(retries)
  t.same(calls, ['close arena on 7', 'log room not closed on another node', 'write arena'])
})

t.test('a rejected write is not repeated, and changes of the room are given up', async t => {
  const { retries, calls } = openRetries({ write: new GodotError('FAILED') })
  await retryTwice(retries)
  t.same(calls, ['close arena on 7', 'write arena', 'log room not written to the cluster', 'gave up arena'])
})

t.test('what is unavailable is tried again', async t => {
  const unavailable = new GodotError('cluster-unavailable')
  const { retries, calls } = openRetries({ close: unavailable, write: unavailable })
  await retryTwice(retries)
  t.same(calls, ['close arena on 7', 'write arena', 'close arena on 7', 'write arena'])
})
