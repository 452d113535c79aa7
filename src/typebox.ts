/**
 * What the project uses of typebox. The build bundles it into the compiled file (scripts/bundle.mjs), as Node 20 takes
 * a third of a second to load its 537 files.
 */
export { default as Type, type Static, type TObject, type TProperties, type TSchema } from 'typebox'
export { default as Schema } from 'typebox/schema'
export type { TLocalizedValidationError } from 'typebox/error'
