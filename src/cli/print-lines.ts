import { escapeControls } from '../client/escape-controls.ts'

/** Writes lines of text. Control characters, which may come from clients or from the server, are escaped. */
export function printLines (stream: NodeJS.WritableStream, lines: readonly string[]): void {
  stream.write(lines.map(line => `${escapeControls(line)}\n`).join(''))
}
