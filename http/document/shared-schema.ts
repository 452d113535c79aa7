import type { FastifyInstance } from 'fastify'
import { Type, type Static, type TSchema } from '../../src/typebox.ts'

/** A schema with a name, which appears in the OpenAPI document once however often it is used. */
export type NamedSchema = TSchema & { $id: string }

/** A reference to a named schema. */
export function ref<Schema extends TSchema> (schema: Schema) {
  return Type.Unsafe<Static<Schema>>({ $ref: `${(schema as unknown as NamedSchema).$id}#` })
}

/** Adds named schemas to the scope unless it has them. */
export function shareSchemas (app: FastifyInstance, ...schemas: TSchema[]): void {
  for (const schema of schemas as NamedSchema[]) if (app.getSchema(schema.$id) === undefined) app.addSchema(schema)
}
