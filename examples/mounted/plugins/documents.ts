import swagger from '@fastify/swagger'
import swaggerUi from '@fastify/swagger-ui'
import fp from 'fastify-plugin'

/** The OpenAPI document of the app, and Swagger UI at /documentation. */
export default fp(async app => {
  await app.register(swagger, {
    openapi: {
      info: { title: 'News and a game', version: '1.0.0' },
      components: { securitySchemes: { jwt: { type: 'http', scheme: 'bearer', bearerFormat: 'JWT' } } }
    }
  })
  await app.register(swaggerUi, { routePrefix: '/documentation' })
}, { name: 'documents' })
