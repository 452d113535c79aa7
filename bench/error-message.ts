/** Why a process failed: the message of the first error that it told, or all that it said. */
export function errorMessageIn (said: string): string {
  return /^[\w ]*Error: (.*)$/im.exec(said)?.[1] ?? (said.trim() || 'it said nothing')
}
