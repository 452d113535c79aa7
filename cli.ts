#!/usr/bin/env node
const args = process.argv.slice(2)

// Without arguments this starts the service; the commands load nothing of it.
if (args.length === 0) await import('./service.ts')
else {
  const { run } = await import('./src/cli/index.ts')
  const aborted = new AbortController()
  // `watch` restores the terminal before the process ends.
  if (args[0] === 'watch') {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => { aborted.abort() })
  }
  process.stdout.on('error', ({ code, message }: NodeJS.ErrnoException) => {
    // A reader such as `head` may close the pipe early.
    if (code === 'EPIPE') process.exit()
    console.error(`Cannot write the output: ${message}`)
    process.exit(1)
  })
  const { env, stdin: input, stdout: output, stderr: errors } = process
  process.exitCode = await run({ args, env, input, output, errors, signal: aborted.signal })
}
