/**
 * What the project uses of typebox. The build puts it into one file (scripts/bundle.mjs), as Node takes a third of a
 * second to load the 537 files of these packages.
 */
export { default as Type, type Static, type TObject, type TProperties, type TSchema } from 'typebox'
export { default as Schema } from 'typebox/schema'
export type { TLocalizedValidationError } from 'typebox/error'
