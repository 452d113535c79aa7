// Runs compiled test files (TEST_FILES, a JSON array) one after the other in this process, so that they load what they
// share once. A comment after each file holds its result.
import asyncHooks from 'node:async_hooks'
import { syncBuiltinESMExports } from 'node:module'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const { default: t } = await withoutAsyncHooks(() => import('tap'))

/** Seconds that a file may take without another assertion. */
const TIMEOUT = 240
let current
let isLate = false
limitSilence()
// It would make tap end as soon as it is idle, before the files that follow.
t.teardown = () => { throw new Error('t.teardown outside of a test: call it on the t of a test') }

for (const file of JSON.parse(process.env.TEST_FILES)) {
  current = file
  const began = performance.now()
  const { user, system } = process.cpuUsage()
  const before = { ...t.counts }
  await import(pathToFileURL(resolve(file)).href)
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

/** Ends a file that hangs, however slow the machine is; after the last file, whatever keeps the process alive. */
function limitSilence () {
  let total = 0
  let silence = 0
  setInterval(() => {
    silence = t.counts.total === total ? silence + 1 : 0
    total = t.counts.total
    if (silence !== TIMEOUT) return
    isLate = true
    t.timeout({ expired: current })
  }, 1000).unref()
}

/**
 * With a hook on every promise and socket tap knows which test an uncaught exception belongs to, which costs a third of
 * the time of tests. Without it such an exception ends the process, and the file that was running has failed.
 */
async function withoutAsyncHooks (load) {
  const { createHook } = asyncHooks
  setCreateHook(() => ({ enable () {}, disable () {} }))
  const loaded = await load()
  setCreateHook(createHook)
  return loaded
}

function setCreateHook (createHook) {
  asyncHooks.createHook = createHook
  syncBuiltinESMExports()
}

function seconds (milliseconds) {
  return Number((milliseconds / 1000).toFixed(2))
}
