import { cpSync, mkdirSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, join, relative, resolve } from 'node:path'
import type { Test } from 'tap'
import { root } from '../../scripts/root.ts'
import { temporaryFolder } from '../helper/temporary-folder.ts'
import { loadTool } from '../helper/programs/test-tools.ts'

/** A stage of a Dockerfile whose instructions were run in a folder that stands for the root of its file system. */
export interface Stage {
  readonly folder: string
  workdir: string
  readonly env: Record<string, string>
  user: string
  /** Arguments of these instructions. */
  command: string[]
  healthCheck: string[]
  readonly ports: number[]
}

/** Does what a command of RUN does in the folder of its WORKDIR. */
export type RunCommand = (command: string, cwd: string) => void

/**
 * Follows the instructions of the Dockerfile without Docker: files are copied as COPY and .dockerignore say, and `run`
 * stands for the commands. Returns the last stage.
 */
export function buildImage (t: Test, run: RunCommand): Stage {
  const stages = new Map<string, Stage>()
  let stage!: Stage
  for (const [instruction, rest] of readInstructions()) {
    const words = rest.split(/\s+/)
    switch (instruction) {
      case 'ARG': break
      case 'FROM':
        stage = newStage(temporaryFolder(t))
        stages.set(words[2] ?? '', stage)
        break
      case 'WORKDIR':
        stage.workdir = resolve(stage.workdir, rest)
        mkdirSync(join(stage.folder, stage.workdir), { recursive: true })
        break
      case 'ENV': Object.assign(stage.env, Object.fromEntries(words.map(word => word.split('=')))); break
      case 'COPY': copy(stage, words, stages); break
      case 'RUN': run(rest, join(stage.folder, stage.workdir)); break
      case 'USER': stage.user = rest; break
      case 'EXPOSE': stage.ports.push(...words.map(Number)); break
      case 'HEALTHCHECK': stage.healthCheck = JSON.parse(rest.slice(rest.indexOf('['))); break
      case 'CMD': stage.command = JSON.parse(rest); break
      default: throw new Error(`instruction ${instruction} is unknown here`)
    }
  }
  return stage
}

function newStage (folder: string): Stage {
  return { folder, workdir: '/', env: {}, user: 'root', command: [], healthCheck: [], ports: [] }
}

function readInstructions (): Array<[instruction: string, rest: string]> {
  const text = readFileSync(join(root, 'Dockerfile'), 'utf8').replaceAll(/^#.*\n/gm, '').replaceAll(/\\\n\s*/g, '')
  return text.split('\n').filter(line => line !== '').map(line => {
    const at = line.indexOf(' ')
    return [line.slice(0, at), line.slice(at + 1)]
  })
}

/** COPY: folders are copied as their content; files into a folder if the target ends with a slash. */
function copy (stage: Stage, words: readonly string[], stages: ReadonlyMap<string, Stage>): void {
  const [, from] = /^--from=(.*)$/.exec(words[0]) ?? []
  const paths = from === undefined ? words : words.slice(1)
  const sources = paths.slice(0, -1)
  const target = join(stage.folder, resolve(stage.workdir, paths.at(-1)!), paths.at(-1)!.endsWith('/') ? '/' : '')
  for (const source of sources) {
    if (from !== undefined) copyPath(join(stages.get(from)!.folder, source), target)
    else copyFromContext(source, target)
  }
}

function copyPath (source: string, target: string): void {
  const isIntoFolder = target.endsWith('/') && !statSync(source).isDirectory()
  cpSync(source, isIntoFolder ? join(target, basename(source)) : target, { recursive: true })
}

/** Copies what .dockerignore lets through. */
function copyFromContext (source: string, target: string): void {
  const files = context.filter(file => source === '.' || file === source || file.startsWith(`${source}/`))
  if (files.length === 0) throw new Error(`COPY ${source}: .dockerignore excludes it, or it does not exist`)
  const isIntoFolder = source !== files[0] || target.endsWith('/')
  for (const file of files) {
    const to = isIntoFolder ? join(target, file === source ? basename(file) : relative(source, file)) : target
    mkdirSync(dirname(to), { recursive: true })
    cpSync(join(root, file), to)
  }
}

const context = readContext()

/** Files of this folder that Docker sees. */
function readContext (): string[] {
  const ignore = loadTool('@balena/dockerignore')()
  ignore.add(readFileSync(join(root, '.dockerignore'), 'utf8'))
  return ignore.filter(ignore.filter(readdirSync(root)).flatMap(filesIn))
}

/** The files of a folder of the project, or a file itself. */
function filesIn (name: string): string[] {
  if (!statSync(join(root, name)).isDirectory()) return [name]
  return readdirSync(join(root, name), { recursive: true, withFileTypes: true }).filter(entry => entry.isFile())
    .map(entry => relative(root, join(entry.parentPath, entry.name)))
}
