import type { FastifyInstance } from 'fastify'
import { BadRequest, type RequestFault } from '../http-error.ts'
import { problem } from '../problem.ts'
import { shortStep } from '../request-validator.ts'
import { Type } from '../../src/typebox.ts'

const NoQuery = Type.Object({}, { additionalProperties: false })
const noSuchParameter = problem('Invalid request',
  new BadRequest([{ pointer: '/query/force', message: 'unknown property' }]))

/**
 * Refuses queries that would be ignored or misread: any at a documented route whose schema has none, and parameters
 * that are not UTF-8 in percent-encoding, which Fastify takes as they are.
 */
export function strictQueries (app: FastifyInstance): void {
  app.addHook('onRoute', ({ schema }) => {
    if (schema?.response == null || schema.querystring !== undefined) return
    // In place: @fastify/swagger has seen the route already.
    schema.querystring = NoQuery
    const response = schema.response as Record<number, unknown>
    response[400] ??= noSuchParameter
  })
  app.addHook('preValidation', async ({ url }) => {
    const fault = encodingFault(url)
    if (fault !== undefined) throw new BadRequest([fault])
  })
}

/** The first parameter that cannot be decoded. */
function encodingFault (url: string): RequestFault | undefined {
  const start = url.indexOf('?')
  if (start === -1 || !url.includes('%', start)) return undefined
  const parameter = url.slice(start + 1).split('&').find(text => decoded(text) === undefined)
  if (parameter === undefined) return undefined
  const [name] = parameter.split('=', 1)
  return { pointer: `/query/${shortStep(decoded(name) ?? name)}`, message: 'must be UTF-8 in percent-encoding' }
}

function decoded (text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
