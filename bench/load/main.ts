/** The load generator, a separate process: runs a job, given as JSON, and prints its figures as JSON. */
import { churn } from './churn.ts'
import { echo } from './echo.ts'
import { handshakes } from './handshakes.ts'
import { idle } from './idle.ts'
import type { Figures, Job } from './job.ts'
import { peak } from './peak.ts'
import { room } from './room.ts'
import { rooms } from './rooms.ts'

const kinds: Record<Job['kind'], (job: Job) => Promise<Figures>> = { echo, room, handshakes, churn, idle, rooms, peak }

const job = JSON.parse(process.argv[2]) as Job
const figures = await kinds[job.kind](job)
process.stdout.write(JSON.stringify(figures), () => { process.exit() })
