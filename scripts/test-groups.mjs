// Which compiled test files share a process, and the order in which the processes start.
import { statSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'

const tests = join(resolve(import.meta.dirname, '..'), 'dist/test')
/** Bytes of compiled tests that share a process. */
const GROUP_SIZE = 100_000

/**
 * Files with a process of their own, the longest first: they start other programs (real Godot, browsers, npm, the
 * service), open thousands of connections, or send long random input. No coverage is measured, unless a part of the
 * library runs nowhere else.
 */
const heavy = [
  /\.nats$/, /^web\/.*\.browser$/, /^hosts\/matrix$/, /^proxies\//, /^hosting\/docker$/, /^package$/, /^docs/, /^service/, /^conformance\//,
  /^bench\/(run|rooms)$/, /\.browser$/, /\.godot$/, /^cli\/(watch|tmux)$/, /^hosts\//
]
const covered = /^service\.limits$|^cli\/watch$|^cluster\/(faults|broker-pauses|processes|rooms)\./

/** Whether `npm run test:quick` leaves out this compiled test file. */
export function isHeavy (file) {
  return rankOf(file) < heavy.length
}

/**
 * The heavy files one by one, then the others: as starting a process and loading what tests import takes longer than
 * most of them, neighbours share one.
 */
export function groupsOf (files) {
  const alone = files.filter(isHeavy).sort((a, b) => rankOf(a) - rankOf(b))
  const groups = alone.map(file => ({ files: [file], isCovered: covered.test(nameOf(file)) }))
  let size = GROUP_SIZE
  for (const file of files.filter(file => !isHeavy(file)).sort()) {
    if (size >= GROUP_SIZE) {
      groups.push({ files: [], isCovered: true })
      size = 0
    }
    groups.at(-1).files.push(file)
    size += statSync(file).size
  }
  return groups
}

function rankOf (file) {
  const rank = heavy.findIndex(pattern => pattern.test(nameOf(file)))
  return rank === -1 ? heavy.length : rank
}

/** Path below `test/` without extension. */
export function nameOf (file) {
  return relative(tests, file).replace(/\.test\.js$/, '')
}
