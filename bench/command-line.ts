import { parseArgs } from 'node:util'
import type { Timing } from './measure.ts'
import { peers } from './peers.ts'
import type { Peer } from './peers.ts'
import { scenarios } from './scenarios.ts'
import type { Scenario } from './scenarios.ts'

/** What the command line asks for. */
export interface Settings {
  readonly scenarios: readonly Scenario[]
  readonly peers: readonly Peer[]
  readonly rounds: number
  readonly timing: Timing
  /** Cost curves instead of scenarios. */
  readonly isCurves: boolean
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
  const { quick, curves, write, json, only, peers: named = curves ? CURVE_PEERS : undefined } = values
  const preset = presets[curves ? 'curves' : quick ? 'quick' : 'full']
  return {
    scenarios: choose(scenarios, only, (name, asked) => name.startsWith(asked)).filter(({ isQuick }) => isQuick || !quick || only !== undefined),
    peers: choose(peers, named, (name, asked) => name === asked),
    rounds: numberOf('rounds', values.rounds, preset.rounds),
    timing: { warm: numberOf('warm', values.warm, preset.warm), seconds: numberOf('secs', values.secs, preset.secs) },
    isCurves: curves,
    writes: write,
    json,
    command: ['npm run bench', ...args.length > 0 ? ['--', ...args] : []].join(' ')
  }
}

/** The rows that are asked for in a list of names, in the order of the table; all when nothing is asked for. */
function choose<Row extends { name: string }> (rows: readonly Row[], list: string | undefined, fits: (name: string, asked: string) => boolean): readonly Row[] {
  if (list === undefined) return rows
  const asked = list.split(',')
  const unknown = asked.find(word => !rows.some(({ name }) => fits(name, word)))
  if (unknown !== undefined) throw new Error(`${unknown}: there is ${rows.map(({ name }) => name).join(', ')}`)
  return rows.filter(({ name }) => asked.some(word => fits(name, word)))
}

function numberOf (option: string, text: string | undefined, preset: number): number {
  const value = text === undefined ? preset : Number(text)
  if (!(value > 0)) throw new Error(`--${option} must be a number over 0`)
  return value
}
