import { readdirSync, readFileSync } from 'node:fs'

/** CPU time of a process, including all threads it has, in seconds; NaN without /proc. */
export function cpuSeconds (pid: number): number {
  try {
    const threads = readdirSync(`/proc/${pid}/task`).map(id => read(pid, `task/${id}/schedstat`))
    return threads.reduce((sum, figures) => sum + Number(figures.split(' ')[0] || NaN), 0) / 1e9
  } catch {
    return NaN
  }
}

/** Resident memory of a process in KiB; NaN without /proc. */
export function residentKib (pid: number): number {
  return Number(/VmRSS:\s+(\d+)/.exec(read(pid, 'status'))?.[1])
}

/** Most resident memory that a process has had, in KiB; NaN without /proc. */
export function peakKib (pid: number): number {
  return Number(/VmHWM:\s+(\d+)/.exec(read(pid, 'status'))?.[1])
}

/** Bytes that a process has read and written, from and to sockets and files; NaN without /proc. */
export function transferredBytes (pid: number): number {
  const fields = read(pid, 'io')
  return Number(/rchar: (\d+)/.exec(fields)?.[1]) + Number(/wchar: (\d+)/.exec(fields)?.[1])
}

function read (pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8')
  } catch {
    return ''
  }
}
