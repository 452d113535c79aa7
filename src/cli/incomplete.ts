import { formatMissingNodes, type MissingNodes } from '../client/format.ts'

/** Throws when nodes of the cluster did not respond: what is printed before is about the others only. */
export function checkComplete (response: MissingNodes): void {
  const problem = formatMissingNodes(response)
  if (problem !== undefined) throw new Error(problem)
}
