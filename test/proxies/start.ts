import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { connect } from 'node:net'
import { join } from 'node:path'
import type { Test } from 'tap'
import { findProgram } from '../../scripts/test/test-programs.mjs'
import { freePort } from '../helper/free-port.ts'
import { pem } from '../helper/sockets/keys.ts'
import { withTimeout } from '../helper/with-timeout.ts'
import { keyFiles, type Ports, type ProxyFile, type ProxyKind } from './kinds.ts'
import { temporaryFolder } from '../helper/temporary-folder.ts'

/** Starts a proxy in front of these ports and returns its own, which have TLS; the test ends it. */
export async function startProxy (
  t: Test, kind: ProxyKind, upstreams: Omit<Ports, 'proxy' | 'site'>
): Promise<Pick<Ports, 'proxy' | 'site'>> {
  const site = await freePort()
  const { port } = await startProgram(t, kind, (folder, proxy) => kind.configure(folder, { ...upstreams, proxy, site }))
  return { proxy: port, site }
}

/** Starts a proxy program whose configuration makes it listen on `port`; returns the port and the id of its process. */
export async function startProgram (
  t: Test, kind: Pick<ProxyKind, 'command' | 'args'>, configure: (folder: string, port: number) => ProxyFile
): Promise<{ port: number, pid: number }> {
  const folder = temporaryFolder(t)
  const port = await freePort()
  const { file, text } = configure(folder, port)
  const chain = pem('leaf.pem') + pem('middle.pem')
  const key = pem('leaf.key')
  const files = { [keyFiles.chain]: chain, [keyFiles.key]: key, [keyFiles.both]: chain + key, [file]: text }
  for (const [name, content] of Object.entries(files)) await writeFile(join(folder, name), content)
  const env = { ...globalThis.process.env, HOME: folder, XDG_CONFIG_HOME: folder, XDG_DATA_HOME: folder }
  const process = spawn(findProgram(kind.command)!, kind.args(folder), { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [process.stdout, process.stderr]) stream.on('data', text => { output += text })
  const exited = once(process, 'exit')
  t.teardown(async () => {
    process.kill('SIGKILL')
    await exited
  })
  const hasExited = exited.then(([code]) => { throw new Error(`${kind.command} exited with ${code}:\n${output}`) })
  await withTimeout(() => `${kind.command} to listen:\n${output}`, Promise.race([hasExited, isListening(port)]))
  hasExited.catch(() => {})
  return { port, pid: process.pid! }
}

async function isListening (port: number): Promise<void> {
  for (;;) {
    const socket = connect(port, '127.0.0.1')
    const isOpen = await new Promise<boolean>(resolve => {
      socket.once('connect', () => { resolve(true) }).once('error', () => { resolve(false) })
    })
    socket.destroy()
    if (isOpen) return
  }
}
