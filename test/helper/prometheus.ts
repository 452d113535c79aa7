/** A metric in Prometheus' text format: help, type, and samples by name and labels as written. */
export interface Metric { help: string, type: string, samples: Map<string, number> }

const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[^}]*\})? (\S+)$/
const label = /^[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"$/

/** Parses the text format; throws an error for anything that Prometheus would reject or misinterpret. */
export function parseMetrics (text: string): Map<string, Metric> {
  const metrics = new Map<string, Metric>()
  let current: [string, Metric] | undefined
  if (!text.endsWith('\n')) throw new Error('the last line has no line feed')
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [, keyword, name, rest] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? []
    if (keyword === 'HELP') {
      if (metrics.has(name)) throw new Error(`duplicate metric ${name}`)
      current = [name, { help: rest, type: 'untyped', samples: new Map() }]
      metrics.set(...current)
    } else if (keyword === 'TYPE') current![1].type = rest
    else addSample(line, current!)
  }
  return metrics
}

function addSample (line: string, [name, metric]: [string, Metric]): void {
  const [, sampleName, labels = '', value] = sample.exec(line) ?? []
  const parts: Record<string, string[]> = { histogram: ['_bucket', '_sum', '_count'], summary: ['', '_sum', '_count'] }
  if (!(parts[metric.type] ?? ['']).some(part => sampleName === name + part)) {
    throw new Error(`${line}: not a sample of ${name}`)
  }
  for (const pair of labels === '' ? [] : labels.slice(1, -1).split(',')) {
    if (!label.test(pair)) throw new Error(`${line}: invalid label ${pair}`)
  }
  if (metric.samples.has(sampleName + labels)) throw new Error(`duplicate sample ${line}`)
  const number = value === '+Inf' ? Infinity : Number(value)
  // prom-client writes Nan, which Prometheus accepts in any spelling.
  if (Number.isNaN(number) && value.toLowerCase() !== 'nan') throw new Error(`${line}: invalid number ${value}`)
  metric.samples.set(sampleName + labels, number)
}

const abbreviated = /(^|_)(s|ms|us|ns|sec|b|kb|mb|gb|m|h|d)(_|$)/
const notBase =
  /(^|_)(milliseconds|microseconds|nanoseconds|minutes|hours|days|kilobytes|megabytes|gigabytes|kibibytes|mebibytes|bits|percent)(_|$)/

/** Checks the naming conventions of Prometheus, like `promtool check metrics`. */
export function lintMetrics (metrics: ReadonlyMap<string, Metric>): string[] {
  const problems: string[] = []
  for (const [name, { help, type, samples }] of metrics) {
    const report = (problem: string): void => { problems.push(`${name} ${problem}`) }
    if (help.trim() === '') report('has no help')
    if (type === 'untyped') report('has no type')
    if (type === 'counter' && !name.endsWith('_total')) report('is a counter without suffix _total')
    if (type !== 'counter' && name.endsWith('_total')) report('is not a counter, but ends in _total')
    if (type !== 'histogram' && /_bucket$/.test(name)) report('is not a histogram, but ends in _bucket')
    if (type !== 'histogram' && type !== 'summary' && /_(count|sum)$/.test(name)) report('ends in _count or _sum')
    if (/[A-Z]/.test(name)) report('contains upper-case letters')
    if (new RegExp(`(^|_)${type}(_|$)`).test(name)) report('contains its type')
    if (abbreviated.test(name)) report('abbreviates a unit')
    if (notBase.test(name)) report('does not use the base unit')
    for (const key of samples.keys()) {
      if (/[{,](le|quantile)=/.test(key) && type !== 'histogram' &&
      type !== 'summary') report('has a label of histograms')
    }
  }
  return problems
}

/** The value of a sample; NaN if there is none. */
export function valueOf (metrics: ReadonlyMap<string, Metric>, key: string): number {
  for (const { samples } of metrics.values()) if (samples.has(key)) return samples.get(key)!
  return NaN
}
