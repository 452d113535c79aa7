import { findProgram, installCommand, programs } from '../../../scripts/test/test-programs.mjs'

/**
 * Options of `t.test` that skip it if a program of scripts/test/test-programs.mjs is not installed.
 *
 * @throws under CI, where no test may be skipped
 */
export function skipWithout (command: string): { skip: string | false } {
  if (findProgram(command)) return { skip: false }
  const reason = `needs ${command}: ${installCommand(...programs.filter(program => program.command === command))}`
  if (process.env.CI) throw new Error(reason)
  return { skip: reason }
}
