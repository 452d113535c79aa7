import { originFault } from '../origin-pattern.ts'
import { Type } from '../typebox.ts'

/** The schema of texts without a fault; `fault` returns what is wrong with a text, undefined when nothing is. */
export function refinedBy (fault: (text: string) => string | undefined) {
  return Type.Refine(Type.String(), text => fault(text) === undefined, text => fault(text)!)
}

/** An entry of option `allowedOrigins`. */
export const Origin = refinedBy(originFault)
