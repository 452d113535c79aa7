/** What a response says about nodes of the cluster that did not respond. */
export interface MissingNodes { readonly partial?: boolean, readonly unreachable?: readonly string[] }

/** A line that names the nodes that did not respond, none when all did. */
export function incompleteLines ({ partial = false, unreachable = [] }: MissingNodes): string[] {
  const names = unreachable.length === 0 ? 'other nodes' : unreachable.join(', ')
  return partial ? [`Incomplete: no response from ${names}`] : []
}

/** Throws when nodes of the cluster did not respond: what is printed before is about the others only. */
export function checkComplete (response: MissingNodes): void {
  const [line] = incompleteLines(response)
  if (line !== undefined) throw new Error(line)
}
