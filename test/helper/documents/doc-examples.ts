import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { Test } from 'tap'
import ts from 'typescript'
import { root } from '../../../scripts/root.ts'
import { withTimeout } from '../with-timeout.ts'

/** A fenced block (ts, js or sh) right below a line `<!-- test: name -->`. */
export interface Example { readonly name: string, readonly language: string, readonly code: string }

export const adminToken = 'a token of at least thirty-two letters'

// Below the root, so that `fastify-peer-server` is found as the package itself.
const scratch = join(root, '.tap/docs')

/** The examples of a page that run. */
export async function readExamples (page: string): Promise<Example[]> {
  const text = await readFile(join(root, page), 'utf8')
  return [...text.matchAll(/^<!-- test: (\S+) -->\n+```(\w+)\n(.*?)^```$/gms)]
    .map(([, name, language, code]) => ({ name, language, code }))
}

/**
 * Runs an example until the test ends; resolves with its process once something listens on these ports, the first of
 * which is PORT.
 */
export async function startExample (
  t: Test, example: Example, ports: readonly number[], env: Record<string, string> = {}
): Promise<number> {
  const { pid, output } = await spawnExample(t, example, { PORT: String(ports[0]), ...env })
  for (const port of ports) await withTimeout(() => `something on port ${port}:\n${output()}`, listening(port))
  return pid
}

/** Runs an example to its end; resolves with its exit code and output. */
export async function runExample (
  t: Test, example: Example, env: Record<string, string> = {}
): Promise<{ code: number | null, output: string }> {
  const { exited, output } = await spawnExample(t, example, env)
  const code = await withTimeout(() => `the end of ${example.name}:\n${output()}`, exited)
  return { code, output: output() }
}

async function spawnExample (t: Test, { name, language, code }: Example, env: Record<string, string>) {
  const [command, ...args] = language === 'sh'
    ? ['bash', '-c', code]
    : [process.execPath, await writeExample(t, `${name}-${env.PORT ?? 'run'}.js`, code)]
  // A group of its own, so that nothing a shell started outlives the test.
  const example = spawn(command, args, {
    cwd: root,
    env: { ...readersEnv(), ...env },
    detached: true,
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const exited = once(example, 'exit').then(([code]) => code as number | null)
  t.teardown(async () => {
    try { process.kill(-example.pid!, 'SIGKILL') } catch { /* It ended by itself. */ }
    await exited
  })
  let output = ''
  for (const stream of [example.stdout, example.stderr]) stream.on('data', data => { output += data })
  return { pid: example.pid!, exited, output: () => output }
}

async function listening (port: number): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
  } catch {
    await delay(50)
    return await listening(port)
  } finally {
    socket.destroy()
  }
}

/** Writes an example without its types; the type check is that of docs.blocks.test.ts. */
async function writeExample (t: Test, file: string, code: string): Promise<string> {
  const path = join(scratch, file)
  const { outputText } = ts.transpileModule(code, {
    compilerOptions: { module: ts.ModuleKind.ESNext, target: ts.ScriptTarget.ES2023 }
  })
  await mkdir(scratch, { recursive: true })
  await writeFile(path, outputText)
  t.teardown(async () => { await rm(path) })
  return path
}

/** The environment a reader has, but `npm start` does not build again what is built. */
function readersEnv () {
  return {
    ...process.env,
    ADMIN_TOKEN: adminToken,
    npm_config_ignore_scripts: 'true'
  }
}
