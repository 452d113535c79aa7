import { parseArgs } from 'node:util'
import { curves } from './curves.ts'
import type { Curve } from './curves.ts'
import type { Timing } from './processes/measure.ts'
import { peers } from './peers.ts'
import type { Peer } from './peers.ts'
import { scenarios } from './scenarios.ts'
import type { Scenario } from './scenarios.ts'

/** Parsed command line. */
export interface Settings {
  readonly scenarios: readonly Scenario[]
  readonly curves: readonly Curve[]
  readonly peers: readonly Peer[]
  /** Those that are measured at each point of a curve. */
  readonly curvePeers: readonly Peer[]
  readonly rounds: number
  readonly timing: Timing
  /** Whether to write the figures to docs/benchmarks.md. */
  readonly writes: boolean
  /** File for the figures of every round. */
  readonly json?: string
  /** The command line, for the report. */
  readonly command: string
}

/** Default timing: for figures to publish, for a quick look, and for each point of a curve. */
const presets = {
  full: { rounds: 5, warm: 0.5, secs: 1.5 },
  quick: { rounds: 2, warm: 0.2, secs: 0.3 },
  curves: { rounds: 3, warm: 0.5, secs: 1 },
  all: { rounds: 3, warm: 0.5, secs: 1 }
}

/** Default peers of curves, and of a quick look. */
const CURVE_PEERS = 'us,ws,uws'
const QUICK_PEERS = 'ws,us,us-own,us-hold,uws'

const options = {
  only: { type: 'string' },
  peers: { type: 'string' },
  rounds: { type: 'string' },
  secs: { type: 'string' },
  warm: { type: 'string' },
  json: { type: 'string' },
  quick: { type: 'boolean', default: false },
  curves: { type: 'boolean', default: false },
  all: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false }
} as const

/** Parses the arguments of `npm run bench --`; throws an error that names an invalid one. */
export function readCommandLine (args: string[]): Settings {
  const { values } = parseArgs({ args, options })
  const { quick, curves: isCurves, all: isAll, write, json, only } = values
  const preset = presets[isAll ? 'all' : isCurves ? 'curves' : quick ? 'quick' : 'full']
  const rows = select([...isCurves ? [] : scenarios, ...isCurves || isAll ? curves : []], only)
  return {
    scenarios: scenarios.filter(row => rows.includes(row) && (row.isQuick || !quick || only !== undefined)),
    curves: curves.filter(row => rows.includes(row)),
    peers: select(peers, values.peers ?? (quick ? QUICK_PEERS : undefined)),
    curvePeers: select(peers, values.peers ?? CURVE_PEERS),
    rounds: parsePositive('rounds', values.rounds, preset.rounds),
    timing: {
      warm: parsePositive('warm', values.warm, preset.warm),
      seconds: parsePositive('secs', values.secs, preset.secs)
    },
    writes: write,
    json,
    command: ['npm run bench', ...args.length > 0 ? ['--', ...args] : []].join(' ')
  }
}

/** Selects rows by a comma-separated list of names, in the order of the table; all rows without a list. */
function select<Row extends { name: string }> (rows: readonly Row[], names: string | undefined): readonly Row[] {
  const selected = names?.split(',').flatMap(name => find(rows, name))
  return rows.filter(row => selected?.includes(row) ?? true)
}

/** The row of this name, otherwise all rows whose names start with it. */
function find<Row extends { name: string }> (rows: readonly Row[], word: string): readonly Row[] {
  const exact = rows.filter(({ name }) => name === word)
  const found = exact.length > 0 ? exact : rows.filter(({ name }) => name.startsWith(word))
  if (found.length === 0) {
    throw new Error(`Unknown name ${word}: expected one of ${rows.map(({ name }) => name).join(', ')}`)
  }
  return found
}

function parsePositive (option: string, text: string | undefined, preset: number): number {
  const value = text === undefined ? preset : Number(text)
  if (!(value > 0)) throw new Error(`Invalid --${option}: expected a positive number`)
  return value
}
