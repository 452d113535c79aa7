// Which compiled test files share a process, and the order in which the processes start.
import { statSync } from 'node:fs'
import { join, relative, resolve } from 'node:path'

const tests = join(resolve(import.meta.dirname, '../..'), 'dist/test')
/** Bytes of compiled tests that share a process. */
const GROUP_SIZE = 300_000
/** The same for tests that start other programs. */
const SHORT_SIZE = 18_000

/**
 * Files that start other programs (real Godot, browsers, npm, compilers, services), open thousands of connections, or
 * send long random input. Those that take long have a process per pattern and start first, so that no processor is idle
 * at the end; the `short` ones come last. No coverage is measured, unless a part of the library runs nowhere else.
 */
const long = [
  // One browser at a time, as each takes more than a processor.
  /^web\/(accessibility|cluster)\.browser$|^docs-ui$/, /^cluster\/nats\/membership\.nats$/,
  /^cluster\/(bus\/nats-|nats\/(faults|broker)\b)/, /^hosts\//, /^docs\/docs/, /^bench\/(cluster|rooms|run)$/,
  /^proxies\//, /\.browser$/, /^conformance\//, /^(package$|clients\/)/, /^service\/service(\.lobby)?$/, /^hosting\/docker$/,
  /^(service\/service\.limits|cli\/completion)$/, /^(examples\/cluster\.godot|cluster\/nats\/service)$/, /^cli\/(watch|tmux)$/,
  /^(docs\/generated-docs|types)$/, /^protocol\/websocket\/frame-reader\.differential$/
]
const short = [
  /^service/, /\.godot$/, /^examples\/(mounted|behind-nginx|game-servers)$/, /^protocol\/variant\/variant-godot$/
]
const coveredWithChildren = /^service\/service\.limits$|^cli\/(watch|completion)$|^cluster\/(bus\/nats-|nats\/(faults|broker-pauses|broker-forgets|processes)\.|room\/rooms\.)/

/** Files of several seconds that are not worth a process of their own; `npm run test:quick` leaves them out, too. */
const slow = [
  /^(architecture|http\/document\/examples)$/, /^protocol\/(variant\/variant-adversarial|websocket\/unmask)$/,
  /^cli\/(escape\.property|follow-events)$/,
  /^cluster\/admin$/, /^core\/peer\/ping\/last-words$/, /^plugins\/(host\/documents|http-limits|limits|refused-upgrade)$/,
  /^routes\/(properties|bad-input|peers\/peer-list|rooms\/lobby|events\/events)$/
]

/** Whether a compiled test file is one of `npm run test:quick`. */
export function isQuick (file) {
  return !isHeavy(file) && !slow.some(pattern => pattern.test(nameOf(file)))
}

function isHeavy (file) {
  return rankOf(file) !== long.length
}

/** Groups of files in the order in which they start. */
export function groupsOf (files) {
  const heavy = files.filter(isHeavy).sort((a, b) => rankOf(a) - rankOf(b))
  const groups = [
    ...long.map((_, rank) => heavy.filter(file => rankOf(file) === rank)).filter(files => files.length > 0),
    ...shared(files.filter(file => !isHeavy(file)).sort(), GROUP_SIZE),
    ...shared(heavy.filter(file => !isLong(file)), SHORT_SIZE)
  ]
  return groups.map(files => ({ files, coverage: coverageOf(files) }))
}

/** How the process that runs these files reports what it has executed: a key of `coverageModes` in test-process.mjs. */
function coverageOf (files) {
  if (files.some(file => coveredWithChildren.test(nameOf(file)))) return 'withChildren'
  return files.some(isHeavy) ? 'none' : 'own'
}

/** As starting a process and loading what tests import takes longer than most of them, neighbours share one. */
function shared (files, groupSize) {
  const groups = []
  let size = groupSize
  for (const file of files) {
    if (size >= groupSize) {
      groups.push([])
      size = 0
    }
    groups.at(-1).push(file)
    size += statSync(file).size
  }
  return groups
}

function isLong (file) {
  return rankOf(file) < long.length
}

/** Place in the order of the tables, between which are the files in neither. */
function rankOf (file) {
  const at = table => table.findIndex(pattern => pattern.test(nameOf(file)))
  if (at(long) !== -1) return at(long)
  return long.length + 1 + at(short)
}

/** Path below `test/` without extension. */
export function nameOf (file) {
  return relative(tests, file).replace(/\.test\.js$/, '')
}
