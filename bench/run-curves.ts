import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname } from 'node:path'
import type { Settings } from './command-line.ts'
import type { Column, Curve } from './curves.ts'
import { page, writeSection } from './report/document.ts'
import type { Peer } from './peers.ts'
import { plot } from './report/plot.ts'
import type { Series } from './report/plot.ts'
import { runRounds } from './processes/rounds.ts'
import type { Rounds } from './processes/rounds.ts'
import { spreadOf } from './report/spread.ts'
import { figure, table } from './report/table.ts'

/** The figures at each point of a curve. */
type Points = Array<[x: number, rounds: Rounds]>

/** Measures all curves and returns the figures of all rounds. */
export async function runCurves (settings: Settings, peers: readonly Peer[], machine: string): Promise<object> {
  const figures: Record<string, object> = {}
  for (const curve of settings.curves) {
    const points = await measurePoints(curve, settings, peers)
    figures[curve.name] = points.map(([x, rounds]) => [x, Object.fromEntries(rounds)])
    const text = `${machine}\n\n${curveTable(curve, points, peers)}`
    console.log(`\n### ${curve.title}\n\n${text}`)
    if (!settings.writes) continue
    const file = draw(curve, points, peers)
    writeSection(curve.name, `![${curve.title}](${file})\n\n${text}`)
  }
  return figures
}

async function measurePoints (curve: Curve, { rounds, timing }: Settings, peers: readonly Peer[]): Promise<Points> {
  const points: Points = []
  for (const x of curve.points) {
    console.error(`${curve.name}: ${x}`)
    const scenario = { ...curve.scenario(x), name: `${curve.name} ${x}` }
    points.push([x, await runRounds(scenario, peers, rounds, timing)])
  }
  return points
}

function curveTable ({ x: variable, columns }: Curve, points: Points, peers: readonly Peer[]): string {
  const pairs = peers.flatMap(peer => columns.map(column => ({ peer, column })))
  const head = [variable, ...pairs.map(({ peer, column }) => `${peer.name}: ${column.head}`)]
  const rows = points.map(([x, rounds]) => [
    x.toLocaleString('en'),
    ...pairs.map(({ peer, column }) => figure(valueAt(x, rounds, peer, column)))
  ])
  return table(head, rows)
}

function valueAt (x: number, rounds: Rounds, peer: Peer, { read }: Column): number | undefined {
  const values = (rounds.get(peer.name) ?? []).map(figures => figures && read(figures, x))
  return spreadOf(values.filter(value => value !== undefined))?.median
}

/** Plots the first column; returns the path of the file, relative to the page. */
function draw (curve: Curve, points: Points, peers: readonly Peer[]): string {
  const folder = 'benchmarks'
  const file = `${folder}/${curve.name}.svg`
  const series = peers.map((peer): Series => ({
    name: peer.title.replaceAll('*', ''),
    points: points.flatMap(([x, rounds]) => {
      const value = valueAt(x, rounds, peer, curve.columns[0])
      return value ? [[x, value] as const] : []
    })
  }))
  mkdirSync(`${dirname(page)}/${folder}`, { recursive: true })
  const svg = plot({ title: curve.title, x: curve.x, y: `${curve.columns[0].head}, both axes logarithmic`, series })
  writeFileSync(`${dirname(page)}/${file}`, svg)
  return file
}
