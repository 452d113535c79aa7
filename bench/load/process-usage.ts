import { readFileSync } from 'node:fs'

/** Clock ticks a second in /proc, the same on every Linux. */
const TICKS = 100

/** Seconds of CPU time a process has used, all its threads together; NaN where there is no /proc. */
export function cpuSeconds (pid: number): number {
  const fields = read(pid, 'stat').replace(/^.*\) /s, '').split(' ')
  return (Number(fields[11]) + Number(fields[12])) / TICKS
}

/** KiB of memory a process has resident; NaN where there is no /proc. */
export function residentKib (pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(read(pid, 'status'))?.[1])
}

function read (pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
