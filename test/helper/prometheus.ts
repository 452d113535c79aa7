/**
 * One metric in the text format of Prometheus: its help and type, and its samples by name and labels as they are
 * written.
 */
export interface Metric { help: string, type: string, samples: Map<string, number> }

const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(\{[^}]*\})? (\S+)$/
const label = /^[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"$/

/** Reads the text format, and throws at whatever Prometheus would not take or not understand. */
export function parseMetrics (text: string): Map<string, Metric> {
  const metrics = new Map<string, Metric>()
  let current: [string, Metric] | undefined
  if (!text.endsWith('\n')) throw new Error('the last line is not ended')
  for (const line of text.split('\n')) {
    if (line === '') continue
    const [, keyword, name, rest] = /^# (HELP|TYPE) (\S+) (.+)$/.exec(line) ?? []
    if (keyword === 'HELP') {
      if (metrics.has(name)) throw new Error(`${name} comes twice`)
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
    throw new Error(`${line}: is no sample of ${name}`)
  }
  for (const pair of labels === '' ? [] : labels.slice(1, -1).split(',')) {
    if (!label.test(pair)) throw new Error(`${line}: ${pair} is no label`)
  }
  if (metric.samples.has(sampleName + labels)) throw new Error(`${line}: comes twice`)
  const number = value === '+Inf' ? Infinity : Number(value)
  // prom-client writes Nan, which the parser of Prometheus takes in any spelling.
  if (Number.isNaN(number) && value.toLowerCase() !== 'nan') throw new Error(`${line}: ${value} is no number`)
  metric.samples.set(sampleName + labels, number)
}

const abbreviated = /(^|_)(s|ms|us|ns|sec|b|kb|mb|gb|m|h|d)(_|$)/
const notBase =
  /(^|_)(milliseconds|microseconds|nanoseconds|minutes|hours|days|kilobytes|megabytes|gigabytes|kibibytes|mebibytes|bits|percent)(_|$)/

/** What `promtool check metrics` would say of the names: the conventions of Prometheus. */
export function lintMetrics (metrics: ReadonlyMap<string, Metric>): string[] {
  const complaints: string[] = []
  for (const [name, { help, type, samples }] of metrics) {
    const complain = (what: string): void => { complaints.push(`${name} ${what}`) }
    if (help.trim() === '') complain('has no help')
    if (type === 'untyped') complain('has no type')
    if (type === 'counter' && !name.endsWith('_total')) complain('is a counter, and does not end in _total')
    if (type !== 'counter' && name.endsWith('_total')) complain('is no counter, and ends in _total')
    if (type !== 'histogram' && /_bucket$/.test(name)) complain('is no histogram, and ends in _bucket')
    if (type !== 'histogram' && type !== 'summary' && /_(count|sum)$/.test(name)) complain('ends in _count or _sum')
    if (/[A-Z]/.test(name)) complain('has capitals')
    if (new RegExp(`(^|_)${type}(_|$)`).test(name)) complain('has its type in its name')
    if (abbreviated.test(name)) complain('abbreviates a unit')
    if (notBase.test(name)) complain('is not in the base unit')
    for (const key of samples.keys()) {
      if (/[{,](le|quantile)=/.test(key) && type !== 'histogram' &&
      type !== 'summary') complain('has a label of histograms')
    }
  }
  return complaints
}

/** The value of one sample; NaN where there is none. */
export function valueOf (metrics: ReadonlyMap<string, Metric>, key: string): number {
  for (const { samples } of metrics.values()) if (samples.has(key)) return samples.get(key)!
  return NaN
}
