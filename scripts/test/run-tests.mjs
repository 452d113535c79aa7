// Runs compiled test files in parallel and prints failures and totals.
import { rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { coverageFolder } from './coverage.mjs'
import { groupsOf, nameOf } from './test-groups.mjs'
import { runFiles } from './test-process.mjs'

/**
 * Runs files and resolves with the exit code. Under CI a file that has failed runs again after all others, alone; if it
 * passes then, it is reported as flaky.
 */
export async function runTests (files, { measureCoverage = false, repeatFailures = Boolean(process.env.CI) } = {}) {
  const began = performance.now()
  if (measureCoverage) rmSync(coverageFolder, { recursive: true, force: true })
  const results = []
  const run = async group => {
    const began = performance.now()
    const coverage = measureCoverage ? group.coverage : 'none'
    const all = await runFiles(group.files, coverage)
    for (const result of all) results.push({ ...result, coverage })
    const shown = repeatFailures ? all.filter(hasPassed) : all
    console.log([...shown.flatMap(linesOf), summaryOf(all, secondsSince(began))].join('\n'))
  }
  await inParallel(groupsOf(files), run)
  const final = repeatFailures ? await repeat(results) : results
  printTotals(final)
  console.log(`# time=${(performance.now() - began).toFixed(0)}ms`)
  const failed = final.filter(result => !hasPassed(result)).map(({ file }) => nameOf(file))
  if (failed.length > 0) console.log(`not ok - failed: ${failed.join(', ')}`)
  return final.length > 0 && failed.length === 0 ? 0 : 1
}

/** Runs two more tasks than there are processors at a time, as many wait for other programs or for timers. */
async function inParallel (tasks, run) {
  const waiting = [...tasks]
  await Promise.all(Array.from({ length: availableParallelism() + 2 }, async () => {
    for (let task = waiting.shift(); task !== undefined; task = waiting.shift()) await run(task)
  }))
}

/** Runs the files that have failed once more, one by one; resolves with the results that count. */
async function repeat (results) {
  const final = []
  for (const first of results) {
    if (hasPassed(first)) {
      final.push(first)
      continue
    }
    const [second] = await runFiles([first.file], first.coverage)
    final.push(second)
    const lines = hasPassed(second)
      ? [`flaky - ${nameOf(first.file)}: failed beside other files, passed alone`, ...first.report.map(quote)]
      : [...linesOf(first), 'The same file alone:', ...linesOf(second)]
    console.log(lines.join('\n'))
  }
  return final
}

function hasPassed ({ counts }) {
  return !(counts.fail > 0)
}

/** Lines to print about a file; the console output of tests that passed is left out. */
function linesOf (result) {
  const { file, report, seconds } = result
  return hasPassed(result)
    ? report.filter(line => /^\s*ok .*# SKIP/.test(line))
    : [...report, `not ok - ${nameOf(file)} (${seconds} s)`]
}

/** So that no line of a failure that does not count begins as a failure does. */
function quote (line) {
  return `  | ${line}`
}

/** What ran in a process, for how long, and which files of several took longer than a second. */
function summaryOf (results, seconds) {
  const [first, last] = [results[0], results.at(-1)].map(({ file }) => nameOf(file))
  if (results.length === 1) return `${hasPassed(results[0]) ? 'ok - ' : 'failed: '}${first} (${seconds} s)`
  const long = results.filter(({ seconds }) => seconds > 1).map(({ file, seconds }) => `${nameOf(file)} ${seconds}`)
  const failed = results.filter(result => !hasPassed(result)).length
  const times = [`${results.length} files, ${seconds} s`, ...long].join('; ')
  return `${failed === 0 ? 'ok - ' : `${failed} failed: `}${first} to ${last} (${times})`
}

function printTotals (results) {
  const names = ['total', 'pass', 'fail', 'skip', 'todo']
  const totals = names.map(name => [name, results.reduce((sum, { counts }) => sum + (counts[name] ?? 0), 0)])
  console.log(`# { ${totals.filter(([, count]) => count > 0).map(([name, count]) => `${name}: ${count}`).join(', ')} }`)
}

function secondsSince (began) {
  return ((performance.now() - began) / 1000).toFixed(1)
}
