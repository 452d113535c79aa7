import type { FastifyInstance, FastifyPluginAsync } from 'fastify'
import adminAuth, { type AdminAuthOptions } from '../plugins/admin-auth.ts'
import { sendProblem } from '../plugins/problem.ts'
import { requestValidator } from '../plugins/request-validator.ts'
import { peerRoutes } from './peers.ts'

/** Options of `adminRoutes` beside Fastify's own `prefix`. */
export type AdminOptions = AdminAuthOptions

/** The REST API over `app.peerServer`: what an administrator may ask. */
export const adminRoutes: FastifyPluginAsync<AdminOptions> = async (app, options) => {
  if (!app.hasDecorator('peerServer')) throw new Error('adminRoutes: register the peerServer plugin first')
  const server = app.peerServer
  keepToItself(app)
  await app.register(adminAuth, options)
  for (const routes of [peerRoutes]) await app.register(routes, { server })
}

/** Checks, writes and fails in its own way, whatever the host has set. */
function keepToItself (app: FastifyInstance): void {
  app.setValidatorCompiler(requestValidator)
  app.setSerializerCompiler(() => JSON.stringify)
  app.setErrorHandler(sendProblem)
}
