import type { FastifyInstance } from 'fastify'
import { BurstLog } from '../../src/core/server/log/burst-log.ts'

/** Logs to the log of an app what clients can repeat, until the app has closed. */
export function openBurstLog (app: FastifyInstance): BurstLog {
  const bursts = new BurstLog(app.log)
  app.addHook('onClose', async () => { bursts.end() })
  return bursts
}
