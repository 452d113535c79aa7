import { escapeControls } from '../client/escape-controls.ts'

/** Writes lines of text. Control characters, which may come from clients or from the server, are escaped. */
export function printLines (stream: NodeJS.WritableStream, lines: readonly string[]): void {
  stream.write(lines.map(line => `${escapeControls(line)}\n`).join(''))
}

/** Prints a result as `linesOf` formats it or, with option `--json`, as JSON. */
export function printResult<Result> (
  stream: NodeJS.WritableStream, json: boolean | undefined, result: Result, linesOf: (result: Result) => string[]
): void {
  printLines(stream, json === true ? JSON.stringify(result, null, 2).split('\n') : linesOf(result))
}
