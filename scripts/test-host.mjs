// Runs compiled test files (TEST_FILES, a JSON array) one after the other in this process, so that they load what they
// share once. A comment behind each file holds its result.
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import t from 'tap'

/** Milliseconds that a file may take. */
const TIMEOUT = 240_000
let timer
let isLate = false

for (const file of JSON.parse(process.env.TEST_FILES)) {
  clearTimeout(timer)
  // That of the last file also ends a process that something keeps alive.
  timer = setTimeout(() => {
    isLate = true
    t.timeout({ expired: file })
  }, TIMEOUT).unref()
  const began = performance.now()
  const { user, system } = process.cpuUsage()
  const before = { ...t.counts }
  await import(pathToFileURL(resolve(file)).href)
  // `t.teardown` outside of a test makes tap end as soon as it is idle.
  if (t.results !== undefined) throw new Error(`a file before ${file} uses t.teardown outside of a test`)
  while (!t.idle) await new Promise(resolve => { t.once('idle', resolve) })
  const cpu = process.cpuUsage({ user, system })
  t.comment(`file ${JSON.stringify({
    file,
    seconds: seconds(performance.now() - began),
    cpu: seconds((cpu.user + cpu.system) / 1000),
    counts: Object.fromEntries(Object.entries(t.counts).map(([name, count]) => [name, count - before[name]])),
    isLate
  })}`)
  if (isLate) break
}

function seconds (milliseconds) {
  return Number((milliseconds / 1000).toFixed(2))
}
