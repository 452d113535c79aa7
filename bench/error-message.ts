/** The message of the first error in the output of a process, otherwise the whole output. */
export function errorMessageIn (output: string): string {
  return /^[\w ]*Error: (.*)$/im.exec(output)?.[1] ?? (output.trim() || 'no output')
}
