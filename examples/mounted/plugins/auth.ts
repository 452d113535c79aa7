import jwt from '@fastify/jwt'
import type { FastifyReply, FastifyRequest } from 'fastify'
import fp from 'fastify-plugin'

/** Who has logged in. */
export interface User { readonly name: string, readonly isAdmin: boolean }

declare module '@fastify/jwt' {
  interface FastifyJWT { payload: User, user: User }
}

declare module 'fastify' {
  interface FastifyInstance {
    /** Hook for those routes that only administrators may use. */
    adminOnly (request: FastifyRequest, reply: FastifyReply): Promise<unknown>
  }
}

/** JSON Web Tokens of the app. */
export default fp(async app => {
  await app.register(jwt, { secret: process.env.JWT_SECRET ?? 'only good enough for an example' })
  app.decorate('adminOnly', async (request, reply) => {
    const { isAdmin } = await request.jwtVerify<User>()
    if (!isAdmin) return await reply.code(403).send({ message: 'Only administrators may do this' })
  })
}, { name: 'auth' })
