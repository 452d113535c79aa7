import { PassThrough, Readable } from 'node:stream'
import { text } from 'node:stream/consumers'
import { run } from '../../../src/cli/index.ts'

/** Runs a command line; resolves with its exit code, output and errors. */
export async function command (args: string[], env: Record<string, string> = {}, stdin = '') {
  const [output, errors] = [new PassThrough(), new PassThrough()]
  const written = Promise.all([text(output), text(errors)])
  const input = Readable.from([Buffer.from(stdin)]) as never
  const code = await run({ args, env, input, output: output as never, errors, signal: new AbortController().signal })
  output.end()
  errors.end()
  const [out, err] = await written
  return { code, output: out, errors: err }
}
