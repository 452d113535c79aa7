/**
 * A value of the application as JSON can show it: a BigInt by its digits, what contains itself as "[circular]" where it does, and what
 * cannot be read at all as a text that says why; undefined where JSON has nothing for it.
 */
export function asJson (value: unknown): unknown {
  try {
    const text = JSON.stringify(value, replacer()) as string | undefined
    return text === undefined ? undefined : JSON.parse(text)
  } catch (error) {
    return `[not shown: ${error instanceof Error ? error.message : String(error)}]`
  }
}

function replacer (): (this: unknown, name: string, member: unknown) => unknown {
  // The way from the outermost object to the one at work, which is `this`.
  const above: unknown[] = []
  return function (_name, member) {
    if (typeof member === 'bigint') return String(member)
    if (typeof member !== 'object' || member === null) return member
    while (above.length > 0 && above.at(-1) !== this) above.pop()
    if (above.includes(member)) return '[circular]'
    above.push(member)
    return member
  }
}
