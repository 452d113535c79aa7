// The programs that tests run against and npm does not provide, and how to install them.
import { spawnSync } from 'node:child_process'
import { accessSync, constants } from 'node:fs'
import { delimiter, join } from 'node:path'

/** The browser of tests, screenshots and benchmarks: Chromium without its user interface, which starts faster. */
export const browserCommand = 'chromium-headless-shell'

/** One row per program: its command, its Debian package, and what is tested with it. */
export const programs = [
  { command: 'godot3-server', debian: 'godot3-server', tests: 'real Godot 3 clients' },
  { command: 'nats-server', debian: 'nats-server', tests: 'clusters' },
  { command: browserCommand, debian: browserCommand, tests: 'real browsers' },
  { command: 'curl', debian: 'curl', tests: 'HTTP/2 upgrades that a real client offers' },
  { command: 'zsh', debian: 'zsh', tests: 'completions in zsh' },
  { command: 'fish', debian: 'fish', tests: 'completions in fish' },
  { command: 'tmux', debian: 'tmux', tests: 'the command line in a terminal' },
  { command: 'nginx', debian: 'nginx-light', tests: 'nginx' },
  { command: 'caddy', debian: 'caddy', tests: 'Caddy' },
  { command: 'haproxy', debian: 'haproxy', tests: 'HAProxy' },
  { command: 'openssl', debian: 'openssl', tests: 'an example that makes a certificate' },
  { command: 'systemd-analyze', debian: 'systemd', tests: 'the systemd unit' },
  { command: 'strace', debian: 'strace', tests: 'the address families that the systemd unit allows' }
]

/** The executable of a command; undefined if it is not installed. */
export function findProgram (command) {
  // Debian installs nats-server in /usr/sbin, which is not in every user's PATH.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin']
  return folders.map(folder => join(folder, command)).find(isExecutable)
}

/** The shell command that installs these programs. */
export function installCommand (...missing) {
  return `apt-get install ${missing.map(({ debian }) => debian).join(' ')}`
}

/**
 * Installs missing programs if run as root with apt-get; otherwise prints which tests are skipped, or exits under CI.
 */
export function installPrograms () {
  const missing = findMissing()
  if (missing.length === 0) return
  if (process.getuid?.() === 0 && findProgram('apt-get')) install(missing)

  const absent = findMissing()
  if (absent.length === 0) return
  for (const { command, tests } of absent) console.error(`${command} is not installed: skipping tests with ${tests}.`)
  console.error(`To install: ${installCommand(...absent)}`)
  if (process.env.CI) {
    console.error('Under CI no test may be skipped.')
    process.exit(1)
  }
}

function findMissing () {
  return programs.filter(({ command }) => !findProgram(command))
}

function install (missing) {
  console.error(`Installing ${missing.map(({ debian }) => debian).join(' ')}`)
  // Failures are not checked here: the program is then still missing.
  aptGet('update')
  aptGet('install', '-y', '--no-install-recommends', ...missing.map(({ debian }) => debian))
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
