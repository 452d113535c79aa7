const STEPS_LOG2 = 5
const STEPS = 1 << STEPS_LOG2

/** Histogram of microseconds with 32 steps per octave: percentiles with an error of at most three percent. */
export class Histogram {
  readonly #counts = new Float64Array(32 * STEPS)
  #total = 0

  add (microseconds: number, times: number): void {
    this.#counts[stepOf(microseconds)] += times
    this.#total += times
  }

  clear (): void {
    this.#counts.fill(0)
    this.#total = 0
  }

  /** The value in microseconds below which `share` (0 to 1) of all values are. */
  percentile (share: number): number {
    let left = this.#total * share
    const step = this.#counts.findIndex(count => (left -= count) < 0)
    return step < 0 ? NaN : lowestOf(step)
  }
}

function stepOf (value: number): number {
  const whole = value > 0 ? Math.floor(value) : 0
  const octave = Math.max(0, 32 - STEPS_LOG2 - Math.clz32(whole) - 1)
  return octave * STEPS + (whole >>> octave)
}

function lowestOf (step: number): number {
  if (step < 2 * STEPS) return step
  const octave = Math.floor(step / STEPS) - 1
  return (step - octave * STEPS) * 2 ** octave
}
