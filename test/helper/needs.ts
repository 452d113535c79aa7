import { find, howToInstall, parts } from '../../scripts/parts.mjs'

/** Options of `t.test` that skip it where the machine lacks a command of scripts/parts.mjs; under CI that is an error. */
export function needs (command: string): { skip: string | false } {
  if (find(command)) return { skip: false }
  const reason = `needs ${command}: ${howToInstall(...parts.filter(part => part.command === command))}`
  if (process.env.CI) throw new Error(reason)
  return { skip: reason }
}
