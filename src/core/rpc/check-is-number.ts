import { GodotError } from '../../error.ts'

/** Throws ERR_INVALID_PARAMETER for anything but a number: no peer has the id '17'. */
export function checkIsNumber (what: string, value: number): void {
  if (typeof value === 'number') return
  const shown = typeof value === 'string' ? JSON.stringify(value) : String(value)
  throw new GodotError('ERR_INVALID_PARAMETER', `invalid ${what} ${shown}: expected a number`)
}
