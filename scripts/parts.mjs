// The real parts that tests run against and npm cannot bring, and how to get them.
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** One row per part: the command, the Debian package that holds it, and what is tested with it. */
export const parts = [
  { command: 'godot3-server', debian: 'godot3-server', tests: 'real Godot 3 clients' },
  { command: 'nats-server', debian: 'nats-server', tests: 'several servers as one' },
  { command: 'chromium', debian: 'chromium', tests: 'pages in a real browser' }
]

/** The file that runs a command, or undefined when this machine has none. */
export function find (command) {
  // Debian keeps nats-server in /usr/sbin, which is not on every user's PATH.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin']
  return folders.map(folder => join(folder, command)).find(isExecutable)
}

/** How to install a part, or several: one shell command. */
export function howToInstall (...missing) {
  return `apt-get install ${missing.map(part => part.debian).join(' ')}`
}

/** Installs what is missing when it can (root and apt-get); else says what is skipped. Under CI a missing part is fatal. */
export function provision () {
  const missing = findMissing()
  if (missing.length === 0) return
  if (process.getuid?.() === 0 && find('apt-get')) install(missing)

  const absent = findMissing()
  if (absent.length === 0) return
  for (const part of absent) console.error(`Missing ${part.command}: no tests with ${part.tests}.`)
  console.error(`To install what is missing: ${howToInstall(...absent)}`)
  if (process.env.CI) {
    console.error('Under CI nothing may be skipped.')
    process.exit(1)
  }
}

function findMissing () {
  return parts.filter(part => !find(part.command))
}

function install (missing) {
  console.error(`Installing: ${missing.map(part => part.debian).join(' ')}`)
  // A failure shows itself: the part is still missing afterwards.
  aptGet('update')
  aptGet('install', '-y', '--no-install-recommends', ...missing.map(part => part.debian))
}

function aptGet (...args) {
  spawnSync('apt-get', ['-qq', ...args], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  })
}

function isExecutable (file) {
  try {
    accessSync(file, constants.X_OK)
    return true
  } catch {
    return false
  }
}
