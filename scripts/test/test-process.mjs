// Runs compiled test files in one process and reads their results from its output.
import { spawn } from 'node:child_process'
import { join, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { coverageFolder } from './coverage.mjs'
import { shortRun } from './short-run.mjs'
import { withSourcePositions } from './source-positions.mjs'

const root = resolve(import.meta.dirname, '../..')
const host = join(root, 'scripts/test/test-host.mjs')
/** How a process reports what it has executed: by itself, or together with the processes that it starts. */
const coverageModes = {
  none: { flags: [], env: {} },
  own: { flags: ['--import', join(root, 'scripts/test/own-coverage.mjs')], env: {} },
  withChildren: { flags: [], env: { NODE_V8_COVERAGE: coverageFolder } }
}

/**
 * Runs files one after the other; `coverage` is a key of `coverageModes`. Resolves with a result per file: `counts` are
 * its assertions, `report` the lines that are not about what has passed. If the process ends early the file that it was
 * at has failed, and those after it run in another process, as do those after a file that took too long; so do those
 * before it if the process was killed, as it has not reported what it has executed.
 */
export async function runFiles (files, coverage) {
  const { results, report, failure, isKilled } = await runProcess(files, coverage)
  const at = results.at(-1)?.isLate === true ? results.length - 1 : Math.min(results.length, files.length - 1)
  if (failure === undefined) return results
  const failed = results[at] ?? { file: files[at], counts: { total: 1 }, seconds: 0, report: [] }
  const counts = { ...failed.counts, fail: failed.counts.fail || 1 }
  results[at] = { ...failed, counts, report: [...failed.report, ...report, failure] }
  const runSome = async files => files.length === 0 ? [] : await runFiles(files, coverage)
  const before = isKilled && coverage !== 'none' ? await runSome(files.slice(0, at)) : results.slice(0, at)
  return [...before, results[at], ...await runSome(files.slice(at + 1))]
}

/** Resolves with the results of the files that have run to their end, and why the process did not run them all. */
async function runProcess (files, coverage) {
  const { flags, env } = coverageModes[coverage]
  const child = spawn(process.execPath, [...shortRun, ...flags, host], {
    cwd: root,
    env: { ...process.env, ...env, TAP_TIMEOUT: '0', TEST_FILES: JSON.stringify(files) },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  const results = []
  let report = []
  let isComplete = false
  const read = stream => createInterface({ input: stream }).on('line', line => {
    const result = /^# file (\{.*\})$/.exec(line)
    if (result !== null) {
      results.push({ ...JSON.parse(result[1]), report })
      report = []
    } else if (/^# \{ .* \}$/.test(line)) isComplete = true
    else if (!hasPassed(line)) report.push(withSourcePositions(line))
  })
  read(child.stdout)
  read(child.stderr)
  const [code, signal] = await new Promise(resolve => child.on('close', (...end) => { resolve(end) }))
  const hasFailed = results.some(({ counts }) => counts.fail > 0)
  const isAsExpected = results.length === files.length && isComplete && code === (hasFailed ? 1 : 0)
  const failure = `the process ended with ${signal ?? `exit code ${code}`}`
  return { results, report, failure: isAsExpected ? undefined : failure, isKilled: signal !== null }
}

/** Whether a line of TAP says nothing but that something has passed. */
function hasPassed (line) {
  return /^\s*($|TAP version|# Subtest|# time|1\.\.\d|ok (?!.*# SKIP))/.test(line)
}
