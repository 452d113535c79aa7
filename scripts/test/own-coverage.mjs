// Imported before the tests (`node --import`): notes what of the library they execute in this process, not how often,
// which costs much less than NODE_V8_COVERAGE does.
import { mkdirSync, writeFileSync } from 'node:fs'
import { Session } from 'node:inspector'
import { join } from 'node:path'
import { coverageFolder, isMeasured } from './coverage.mjs'

const session = new Session()
session.connect()
session.post('Profiler.enable')
session.post('Profiler.startPreciseCoverage', { callCount: false, detailed: true })
process.on('exit', () => {
  session.post('Profiler.takePreciseCoverage', (error, report) => {
    if (error !== null) throw error
    const result = report.result.filter(({ url }) => isMeasured(url))
    mkdirSync(coverageFolder, { recursive: true })
    writeFileSync(join(coverageFolder, `${process.pid}.json`), JSON.stringify({ result }))
  })
})
