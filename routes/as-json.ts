/**
 * A value of the application as JSON can represent it: a BigInt as its digits, a circular reference as "[circular]", a
 * value that throws when it is read as a text that says why; undefined where JSON has no representation.
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
  // The path from the outermost object to the current one, which is `this`.
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
