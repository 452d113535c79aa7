import type { FastifyInstance } from 'fastify'

const body = {
  type: 'object',
  required: ['name'],
  properties: { name: { type: 'string', minLength: 1, maxLength: 16 } }
}

/** Anyone may log in here, and `admin` is an administrator. */
export default async function login (app: FastifyInstance): Promise<void> {
  app.post<{ Body: { name: string } }>('/login', { schema: { body } }, async ({ body: { name } }) => {
    return { token: app.jwt.sign({ name, isAdmin: name === 'admin' }) }
  })
}
