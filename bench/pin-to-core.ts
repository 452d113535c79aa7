import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** The cores that servers and the generator are kept on: wherever the scheduler puts both on one, every figure is off by up to two. */
export const core = { server: 0, generator: 1 } as const

const canPin = availableParallelism() > 1 && versionOf('taskset') !== undefined

/** The command, kept on one core where that is possible. */
export function pinToCore (core: number, command: string[]): [file: string, args: string[]] {
  const [file, ...args] = canPin ? ['taskset', '-c', String(core), ...command] : command
  return [file, args]
}

/** What a command says about its version; undefined where there is no such command. */
export function versionOf (command: string): string | undefined {
  const { error, stdout } = spawnSync(command, ['--version'], { encoding: 'utf8', timeout: 10_000 })
  return error === undefined ? stdout.trim() : undefined
}
