/**
 * Decodes adversarial bytes for every type of Godot 3 and Godot 4 at increasing sizes: the CPU time per byte must not
 * grow with the size of the packet, and not exceed a multiple of the median. Prints the slowest inputs, and exits with
 * 1 if one fails.
 *
 *   npx tsx test/soak/variant-adversarial.ts [largest size in KiB, default 1024]
 */
import { GodotError } from '../../src/error.ts'
import { attacksOn, versions } from '../helper/random/adversarial-variants.ts'
import { decodeCost } from '../helper/random/decode-cost.ts'

const largest = Number(process.argv[2] ?? 1024) * 1024
const sizes = [largest / 16, largest / 4, largest]
/**
 * Maximum growth of the cost per byte over 16 times the size: quadratic costs grow 16-fold, and garbage collection
 * makes ordinary values up to 6 times as expensive.
 */
const MAX_GROWTH = 8
const MAX_TIMES_MEDIAN = 30

interface Result { readonly name: string, readonly costs: readonly number[], readonly growth: number }

const results: Result[] = []
for (const version of Object.keys(versions) as Array<keyof typeof versions>) {
  const { decode } = versions[version].codec
  for (const { name, build } of attacksOn(version)) {
    const costs = sizes.map(size => decodeCost(build(size), bytes => { attempt(() => decode(bytes)) }))
    results.push({ name: `${version} ${name}`, costs, growth: costs.at(-1)! / Math.max(costs[0], 1) })
  }
}

/** Ignores GodotErrors: bytes that do not decode can be expensive too. */
function attempt (work: () => unknown): void {
  try {
    work()
  } catch (error) {
    if (!(error instanceof GodotError)) throw error
  }
}

const row = ({ name, costs, growth }: Result): string =>
  `${costs.map(cost => cost.toFixed(1).padStart(8)).join('')}${growth.toFixed(2).padStart(8)}  ${name}`
const header = `${sizes.map(size => `${size / 1024} KiB`.padStart(8)).join('')}  growth  nanoseconds per byte`
console.log(`${results.length} inputs; the slowest:\n${header}`)
const slowest = results.toSorted((a, b) => b.costs.at(-1)! - a.costs.at(-1)!).slice(0, 10)
for (const result of slowest) console.log(row(result))
console.log(`largest growth:\n${header}`)
for (const result of results.toSorted((a, b) => b.growth - a.growth).slice(0, 5)) console.log(row(result))
const median = results.map(({ costs }) => costs.at(-1)!).sort((a, b) => a - b)[results.length >> 1]
const failed = results.filter(({ growth, costs }) => growth > MAX_GROWTH || costs.at(-1)! > MAX_TIMES_MEDIAN * median)
console.log(`median ${median.toFixed(1)} ns per byte; ${failed.length} of ${results.length} grow with the size ` +
  `or exceed ${MAX_TIMES_MEDIAN} times the median`)
for (const result of failed) console.log(row(result))
process.exitCode = Number(failed.length > 0)
