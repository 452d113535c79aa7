/**
 * Compares the time to encode and decode Variants with @gd-com/utils and Godot 3 (var2bytes and bytes2var, called by a
 * script), on the same values in one run. Prints medians of interleaved rounds as a Markdown table. It measures CPU
 * time, including garbage collection, so other load on the machine does not count (Linux).
 *
 *   npm run compile && node dist/bench/variant.js
 */
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import { join } from 'node:path'
import { TYPE, getVar, putVar } from '@gd-com/utils'
import { decodeVariant, encodeVariant } from '../src/protocol/variant/variant.ts'
import { bench } from './paths.ts'
import { spreadOf } from './report/spread.ts'
import { cases } from './variant-cases.ts'

const ROUNDS = 9
/** Milliseconds per measurement and round. */
const SLICE = 16

/** Type numbers of @gd-com/utils that differ from those of Godot 3. */
const gdTypes: Record<number, number> = { 22: 23, 23: 25, 24: 26, 25: 27, 26: 28 }

let sink: unknown

/** Nanoseconds of one call of `work`. */
function time (work: () => unknown): number {
  for (let count = 64; ; count *= 2) {
    const start = process.cpuUsage()
    for (let i = 0; i < count; i++) sink = work()
    const { user, system } = process.cpuUsage(start)
    if (user + system > SLICE * 1000) return (user + system) * 1000 / count
  }
}

interface Contender { name: string, encode?: () => unknown, decode?: () => unknown }

/** The codec of this project on one value. */
function ours (bytes: Uint8Array): Contender {
  const value = decodeVariant(bytes)
  return { name: 'ours', encode: () => encodeVariant(value), decode: () => decodeVariant(bytes) }
}

/** @gd-com/utils on the same value; without operations for which it cannot read all bytes or writes different bytes. */
function gdCom (bytes: Uint8Array): Contender {
  const own = Buffer.from(bytes)
  const type = own[0] = gdTypes[own[0]] ?? own[0]
  const contender: Contender = { name: 'gd-com' }
  const read = attempt(() => getVar(own))
  if (read === undefined || read.length !== own.length) return contender
  contender.decode = () => getVar(own)
  const write = (): Buffer => putVar(read.value, type as TYPE)
  if (attempt(write)?.equals(own)) contender.encode = write
  return contender
}

function attempt<Result> (work: () => Result): Result | undefined {
  try {
    return work()
  } catch {
    return undefined
  }
}

/** One round of Godot: nanoseconds per [encode, decode] of each case. */
function timeGodot (home: string, file: string): Array<[number, number]> {
  const script = join(bench, 'godot', 'variant.gd')
  const output = execFileSync('godot3-server', ['--no-window', '-s', script, `--cases=${file}`, `--time=${SLICE}`],
    { cwd: home, env: { ...process.env, HOME: home, LANG: 'en_US.UTF-8' }, encoding: 'utf8' })
  return JSON.parse(output.slice(output.indexOf('[[')))
}

/** Measured times of all rounds by keys such as `3 ours encode`. */
const times = new Map<string, number[]>()

function record (key: string, nanoseconds: number): void {
  times.set(key, [...times.get(key) ?? [], nanoseconds])
}

function median (key: string): number | undefined {
  return spreadOf(times.get(key) ?? [])?.median
}

const encoded = cases.map(([, value]) => encodeVariant(value))
const contenders = encoded.map(bytes => [ours(bytes), gdCom(bytes)])
const home = mkdtempSync(join(tmpdir(), 'bench-'))
const file = join(home, 'cases')
writeFileSync(file, encodeVariant(encoded))

for (let round = 0; round <= ROUNDS; round++) {
  // The first round is the warm-up.
  if (round === 1) times.clear()
  for (const [index, both] of contenders.entries()) {
    for (const operation of ['encode', 'decode'] as const) {
      for (const { name, [operation]: work } of both) {
        if (work !== undefined) record(`${index} ${name} ${operation}`, time(work))
      }
    }
  }
  for (const [index, [encode, decode]] of timeGodot(home, file).entries()) {
    record(`${index} godot encode`, encode)
    record(`${index} godot decode`, decode)
  }
}
rmSync(home, { recursive: true })

/** Time as a table cell, with the ratio to ours. */
function cell (index: number, name: string, operation: string): string {
  const [theirs, own] = [median(`${index} ${name} ${operation}`), median(`${index} ours ${operation}`) as number]
  return theirs === undefined ? '-' : `${theirs.toFixed(0)} (${(theirs / own).toFixed(1)}x)`
}

console.log(`Node ${process.version}, ${cpus()[0].model.trim()}; nanoseconds per call (ratio to ours)\n`)
console.log('| value | encode | @gd-com/utils | Godot | decode | @gd-com/utils | Godot |')
console.log('|---|--:|--:|--:|--:|--:|--:|')
for (const [index, [name]] of cases.entries()) {
  const columns = ['encode', 'decode'].flatMap(operation => [
    (median(`${index} ours ${operation}`) as number).toFixed(0),
    cell(index, 'gd-com', operation),
    cell(index, 'godot', operation)
  ])
  console.log(`| ${[name, ...columns].join(' | ')} |`)
}
process.exitCode = sink === undefined ? 1 : 0
