// An app as `fastify generate` makes it, for fastify-cli.
const { join } = require('node:path')
const autoload = require('@fastify/autoload')

module.exports = async (app, { mount }) => {
  await app.register(autoload, { dir: join(__dirname, 'loaded') })
  app.get('/hello', async () => ({ hello: 'world' }))
  app.post('/hello', async ({ body }) => ({ body }))
  await mount?.(app)
}
