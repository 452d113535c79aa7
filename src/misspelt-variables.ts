import { variables } from './environment-variables.ts'

/** A variable that the service does not know, and the one that was probably meant. */
export interface Misspelt { readonly name: string, readonly meant: string }

/** Letters that may differ: one in this many, at least one and at most three. */
const LETTERS_PER_EDIT = 4
const MAX_EDITS = 3

/** Unknown variables whose names are nearly that of one of ours. */
export function misspeltVariables (env: Readonly<Record<string, string | undefined>>): Misspelt[] {
  return Object.keys(env).flatMap(name => {
    const meant = Object.hasOwn(variables, name) ? undefined : nearest(name)
    return meant === undefined ? [] : [{ name, meant }]
  })
}

/** Text of the warning about a misspelt variable. */
export function describeMisspelt ({ meant }: Misspelt): string {
  return `unknown and ignored; did you mean ${meant}?`
}

function nearest (name: string): string | undefined {
  const given = lettersOf(name)
  const [best] = Object.keys(variables)
    .map(known => ({ known, edits: distance(given, lettersOf(known)) }))
    .sort((a, b) => a.edits - b.edits)
  const allowed = Math.max(1, Math.min(MAX_EDITS, Math.floor(given.length / LETTERS_PER_EDIT)))
  return best.edits <= allowed ? best.known : undefined
}

/** `pingInterval`, `ping-interval` and `PING_INTERVAL` have the same letters. */
function lettersOf (name: string): string {
  return name.replace(/[^a-z\d]/gi, '').toUpperCase()
}

/**
 * How many letters must be added, removed, replaced or swapped with their neighbour (optimal string alignment);
 * Infinity if it is clear early that these are too many.
 */
function distance (a: string, b: string): number {
  if (Math.abs(a.length - b.length) > MAX_EDITS) return Infinity
  let [before, above] = [[] as number[], Array.from({ length: b.length + 1 }, (_, at) => at)]
  for (let i = 1; i <= a.length; i++) {
    const row = [i]
    for (let j = 1; j <= b.length; j++) {
      row[j] = Math.min(above[j] + 1, row[j - 1] + 1, above[j - 1] + Number(a[i - 1] !== b[j - 1]))
      const isSwap = i > 1 && j > 1 && a[i - 1] === b[j - 2] && a[i - 2] === b[j - 1]
      if (isSwap) row[j] = Math.min(row[j], before[j - 2] + 1)
    }
    if (Math.min(...above, ...row) > MAX_EDITS) return Infinity
    ;[before, above] = [above, row]
  }
  return above[b.length]
}
