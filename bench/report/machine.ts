import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { cpus, loadavg, release, type } from 'node:os'
import { relative } from 'node:path'
import { versionOf } from '../processes/pin-to-core.ts'
import { bench, project } from '../paths.ts'
import type { Peer } from '../peers.ts'

const require = createRequire(`${bench}/package.json`)

/** Sockets that a process can have: its limit of open files, without those it needs otherwise. */
export const maxSockets = openFiles() - 200

/**
 * Date, machine, software and command of a run, as a Markdown list. Call it before the load starts, as it contains the
 * load average. `command`: default the script of this process with its arguments.
 */
export function describeMachine (peers: readonly Peer[], command = commandLine()): string {
  const load = loadavg().map(value => value.toFixed(1)).join(', ')
  return list({
    Date: new Date().toISOString().slice(0, 10),
    Machine: `${cpus()[0].model.trim()}, ${cpus().length} cores, ${type()} ${release()}; ` +
      `load average before the run (1, 5, 15 minutes): ${load}`,
    Software: [`Node ${process.version}`, `this server ${ownVersion()}`, ...peers.flatMap(versionOfPeer)].join(', '),
    Command: `\`${command}\``
  })
}

function commandLine (): string {
  const [, script, ...args] = process.argv
  return ['node', relative(project, script), ...args].join(' ')
}

function list (facts: Record<string, string>): string {
  return Object.entries(facts).map(([name, fact]) => `- ${name}: ${fact}`).join('\n')
}

function ownVersion (): string {
  return readVersion(`${project}/package.json`)
}

function versionOfPeer (peer: Peer): string[] {
  if (peer.runtime === 'godot') return [`Godot ${versionOf('godot3-server')}`]
  if (peer.package === undefined) return []
  const name = peer.package
  const manifests = require.resolve.paths(name)!.map(folder => `${folder}/${name}/package.json`)
  const manifest = manifests.find(file => existsSync(file))
  return manifest === undefined ? [] : [`${name} ${readVersion(manifest)}`]
}

function readVersion (manifest: string): string {
  return JSON.parse(readFileSync(manifest, 'utf8')).version
}

function openFiles (): number {
  const { stdout } = spawnSync('sh', ['-c', 'ulimit -Hn'], { encoding: 'utf8' })
  return Number(stdout) || Infinity
}
