// Runs compiled test files in parallel and prints failures and totals. The files of a folder share a process, as
// starting it and loading what they import takes longer than most of them.
import { spawn } from 'node:child_process'
import { rmSync, statSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { dirname, join, relative, resolve } from 'node:path'
import { createInterface } from 'node:readline'

const root = resolve(import.meta.dirname, '..')
const tests = join(root, 'dist/test')
const host = join(root, 'scripts/test-host.mjs')
/** Where the processes whose coverage is measured write it. */
export const coverageFolder = join(root, 'dist/.coverage')

/**
 * Files with a process of their own, the longest first: they start other programs (real Godot, browsers, npm, the
 * service), open thousands of connections, or send long random input. No coverage is measured, unless a part of the
 * library runs nowhere else.
 */
const heavy = [
  /\.nats$/, /^web\/.*\.browser$/, /^hosts\/matrix$/, /^proxies\//, /^hosting\/docker$/, /^package$/, /^docs/, /^service/,
  /^conformance\//, /^bench\/(run|rooms)$/, /\.browser$/, /\.godot$/, /^cli\/(watch|tmux)$/, /^hosts\//
]
const covered = /^service\.limits$|^cli\/watch$|^cluster\/(faults|broker-pauses|processes|rooms)\./

/** Whether `npm run test:quick` leaves out this compiled test file. */
export function isHeavy (file) {
  return rankOf(file) < heavy.length
}

/** Runs files and resolves with the exit code. */
export async function runTests (files, { measureCoverage = false } = {}) {
  const began = performance.now()
  const totals = { total: 0, pass: 0, fail: 0, skip: 0, todo: 0 }
  if (measureCoverage) rmSync(coverageFolder, { recursive: true, force: true })
  const waiting = groupsOf(files)
  // One more than there are processors, as some files wait for other programs.
  await Promise.all(Array.from({ length: availableParallelism() + 1 }, async () => {
    for (let group = waiting.shift(); group !== undefined; group = waiting.shift()) {
      const counts = await runGroup(group, measureCoverage && group.isCovered)
      for (const name of Object.keys(totals)) totals[name] += counts[name] ?? 0
    }
  }))
  const shown = Object.entries(totals).filter(([, count]) => count > 0).map(([name, count]) => `${name}: ${count}`)
  console.log(`# { ${shown.join(', ')} }`)
  console.log(`# time=${(performance.now() - began).toFixed(0)}ms`)
  return totals.fail === 0 && totals.pass > 0 ? 0 : 1
}

/** The heavy files one by one, then the others by folder, the largest folders first. */
function groupsOf (files) {
  const alone = files.filter(isHeavy).sort((a, b) => rankOf(a) - rankOf(b))
  const folders = {}
  for (const file of files.filter(file => !isHeavy(file))) (folders[`${dirname(nameOf(file))}/`] ??= []).push(file)
  return [
    ...alone.map(file => ({ name: nameOf(file), files: [file], isCovered: covered.test(nameOf(file)) })),
    ...Object.entries(folders).sort(([, a], [, b]) => sizeOf(b) - sizeOf(a))
      .map(([name, files]) => ({ name, files, isCovered: true }))
  ]
}

function sizeOf (files) {
  return files.reduce((sum, file) => sum + statSync(file).size, 0)
}

function rankOf (file) {
  const rank = heavy.findIndex(pattern => pattern.test(nameOf(file)))
  return rank === -1 ? heavy.length : rank
}

/** Path below `test/` without extension. */
function nameOf (file) {
  return relative(tests, file).replace(/\.test\.js$/, '')
}

/** Runs files in one process, prints what did not pass, and resolves with the numbers of assertions. */
async function runGroup ({ name, files }, measuresCoverage) {
  const began = performance.now()
  const env = { ...process.env, TAP_TIMEOUT: '0', TEST_FILES: JSON.stringify(files) }
  if (measuresCoverage) env.NODE_V8_COVERAGE = coverageFolder
  const child = spawn(process.execPath, ['--enable-source-maps', host, name],
    { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] })
  const report = []
  const skipped = []
  let counts
  const read = stream => createInterface({ input: stream }).on('line', line => {
    const found = /^# \{ (.*) \}$/.exec(line)
    if (found !== null) counts = Object.fromEntries(found[1].split(', ').map(pair => pair.split(': ')).map(parse))
    else if (/^\s*ok .*# SKIP/.test(line)) skipped.push(line)
    else if (!hasPassed(line)) report.push(line)
  })
  read(child.stdout)
  read(child.stderr)
  const [code, signal] = await new Promise(resolve => child.on('close', (...end) => { resolve(end) }))
  const isOk = code === 0 && counts !== undefined
  const seconds = ((performance.now() - began) / 1000).toFixed(1)
  // What a test that has passed writes to the console is no news.
  console.log([...isOk ? skipped : report, `${isOk ? 'ok' : 'not ok'} - ${name} (${seconds} s)`].join('\n'))
  if (isOk) return counts
  if (!(counts?.fail > 0)) console.log(`${name} ended with ${signal ?? `exit code ${code}`}`)
  return { ...counts, fail: counts?.fail ?? 1 }
}

function parse ([name, count]) {
  return [name, Number(count)]
}

/** Whether a line of TAP says nothing but that something has passed. */
function hasPassed (line) {
  return /^\s*($|TAP version|# Subtest|# time|1\.\.\d|ok )/.test(line)
}
