import { spawnSync } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { findProgram } from '../../scripts/test/test-programs.mjs'

/**
 * Cores of servers and of the generator: if the scheduler puts both on one core, figures are off by up to a factor of
 * two.
 */
export const core = { server: 0, generator: 1 } as const

const canPin = availableParallelism() > 1 && versionOf('taskset') !== undefined

/** The command, pinned to a core if possible. */
export function pinToCore (core: number, command: string[]): [file: string, args: string[]] {
  const [file, ...args] = canPin ? ['taskset', '-c', String(core), ...command] : command
  return [file, args]
}

/** Output of `command --version`; undefined if there is no such command. */
export function versionOf (command: string): string | undefined {
  const program = findProgram(command) ?? command
  const { error, stdout } = spawnSync(program, ['--version'], { encoding: 'utf8', timeout: 10_000 })
  return error === undefined ? stdout.trim() : undefined
}
