import { parseArgs } from 'node:util'
import { curves } from './curves.ts'
import type { Curve } from './curves.ts'
import type { Timing } from './measure.ts'
import { peers } from './peers.ts'
import type { Peer } from './peers.ts'
import { scenarios } from './scenarios.ts'
import type { Scenario } from './scenarios.ts'

/** What the command line asks for. */
export interface Settings {
  /** One of both is empty. */
  readonly scenarios: readonly Scenario[]
  readonly curves: readonly Curve[]
  readonly peers: readonly Peer[]
  readonly rounds: number
  readonly timing: Timing
  /** Whether the figures go into docs/benchmarks.md. */
  readonly writes: boolean
  /** The file for all figures of all rounds. */
  readonly json?: string
  /** The command, to be quoted. */
  readonly command: string
}

/** What applies where nothing is given: for a figure to quote, for a first look, and for each point of a curve. */
const presets = {
  full: { rounds: 5, warm: 0.5, secs: 1.5 },
  quick: { rounds: 2, warm: 0.3, secs: 0.4 },
  curves: { rounds: 3, warm: 0.5, secs: 1 }
}

/** Peers whose curves are drawn unless others are named. */
const CURVE_PEERS = 'us,ws,uws'

const options = {
  only: { type: 'string' },
  peers: { type: 'string' },
  rounds: { type: 'string' },
  secs: { type: 'string' },
  warm: { type: 'string' },
  json: { type: 'string' },
  quick: { type: 'boolean', default: false },
  curves: { type: 'boolean', default: false },
  write: { type: 'boolean', default: false }
} as const

/** Reads the words behind `npm run bench --`; an error names what is wrong. */
export function readCommandLine (args: string[]): Settings {
  const { values } = parseArgs({ args, options })
  const { quick, curves: isCurves, write, json, only, peers: list = isCurves ? CURVE_PEERS : undefined } = values
  const preset = presets[isCurves ? 'curves' : quick ? 'quick' : 'full']
  return {
    scenarios: isCurves ? [] : choose(scenarios, only).filter(({ isQuick }) => isQuick || !quick || only !== undefined),
    curves: isCurves ? choose(curves, only) : [],
    peers: choose(peers, list),
    rounds: numberOf('rounds', values.rounds, preset.rounds),
    timing: { warm: numberOf('warm', values.warm, preset.warm), seconds: numberOf('secs', values.secs, preset.secs) },
    writes: write,
    json,
    command: ['npm run bench', ...args.length > 0 ? ['--', ...args] : []].join(' ')
  }
}

/** The rows that a list of names asks for, in the order of the table; all without a list. */
function choose<Row extends { name: string }> (rows: readonly Row[], list: string | undefined): readonly Row[] {
  const asked = list?.split(',').flatMap(word => named(rows, word))
  return rows.filter(row => asked?.includes(row) ?? true)
}

/** The row of this name, or else all whose names start so. */
function named<Row extends { name: string }> (rows: readonly Row[], word: string): readonly Row[] {
  const exact = rows.filter(({ name }) => name === word)
  const found = exact.length > 0 ? exact : rows.filter(({ name }) => name.startsWith(word))
  if (found.length === 0) throw new Error(`${word}: there is ${rows.map(({ name }) => name).join(', ')}`)
  return found
}

function numberOf (option: string, text: string | undefined, preset: number): number {
  const value = text === undefined ? preset : Number(text)
  if (!(value > 0)) throw new Error(`--${option} must be a number over 0`)
  return value
}
