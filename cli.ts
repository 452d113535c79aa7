#!/usr/bin/env node
const args = process.argv.slice(2)

// Without arguments it is the service; the commands need nothing of that.
if (args.length === 0) await import('./service.ts')
else {
  const { run } = await import('./src/cli/index.ts')
  const over = new AbortController()
  // Whoever watches wants the terminal back as it was.
  if (args[0] === 'watch') for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => { over.abort() })
  // Whoever reads may have seen enough, as `head` does.
  process.stdout.on('error', () => { process.exit() })
  process.exitCode = await run({ args, env: process.env, input: process.stdin, output: process.stdout, errors: process.stderr, signal: over.signal })
}
