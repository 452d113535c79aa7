import type { FastifyInstance, FastifyRequest } from 'fastify'
import { serializeResponses } from './isolated.ts'
import { BadRequest, unsupportedType } from './http-error.ts'
import { notFound, sendProblem } from './problem.ts'
import { refuseUpgrade } from './upgrade/refused-handshake.ts'
import { requestValidator } from './request-validator.ts'

const MAX_JSON = 1 << 20

/**
 * Makes the scope of a plugin parse, validate, serialise and report errors in its own way, whatever the host has set.
 * With a prefix it responds to unknown paths below it, too; without one, or with `/`, the parent does.
 */
export function ownScope (app: FastifyInstance, prefix: string = ''): void {
  app.removeAllContentTypeParsers()
  const parseJson = app.getDefaultJsonParser('error', 'error')
  app.addContentTypeParser<string>('application/json', {
    parseAs: 'string', bodyLimit: MAX_JSON
  }, (request, body, done) => {
    // Many clients name a content type in every request, also in one that has no body.
    if (body === '' && request.method === 'DELETE') return done(null, undefined)
    return Reflect.apply(parseJson, app, [request, body, done])
  })
  app.addContentTypeParser('*', async () => { throw unsupportedType('application/json') })
  app.setValidatorCompiler(requestValidator)
  app.addHook('preValidation', refuseNull)
  app.setSerializerCompiler(() => JSON.stringify)
  app.setErrorHandler(sendProblem)
  serializeResponses(app)
  if (prefix !== '' && prefix !== '/') app.setNotFoundHandler(notFound)
  app.addHook('onRequest', refuseUpgrade)
}

/** The validator cannot tell `null` in JSON from a missing body. */
async function refuseNull ({ body, routeOptions: { schema } }: FastifyRequest): Promise<void> {
  if (body !== null || schema?.body === undefined) return
  throw new BadRequest([{ pointer: '/body', message: 'must be object' }])
}
