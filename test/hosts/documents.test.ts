import { execFile } from 'node:child_process'
import { writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import t from 'tap'
import { asyncApiText } from '../../scripts/docs/asyncapi.ts'
import { documentText } from '../../scripts/docs/openapi.ts'
import { toolCommand } from '../helper/programs/test-tools.ts'
import { temporaryFolder } from '../helper/temporary-folder.ts'

/** A finding of a linter: its rule, and where in the document. */
interface Finding { readonly rule: string, readonly at: string }
interface FindingInFile extends Finding { readonly file: string }

const NO_CONTACT = { rule: 'info-contact', at: 'info' }
const operationsOfModes = ['plain', 'godot3', 'godot4'].flatMap(mode => [`${mode}.receive`, `${mode}.send`])

const openApi = await documentText()

/** Findings that are not faults; docs/operations.md says why. */
const accepted: Readonly<Record<string, readonly Finding[]>> = {
  'redocly openapi.json': [
    { rule: 'operation-2xx-response', at: 'paths//ws/get/responses' },
    { rule: 'operation-2xx-response', at: 'paths//ws/{room}/get/responses' },
    { rule: 'operation-4xx-response', at: 'paths//healthz/get/responses' },
    { rule: 'operation-4xx-response', at: 'paths//readyz/get/responses' }
  ],
  'redocly asyncapi.json': operationsOfModes.map(name => ({ rule: 'security-defined', at: `operations/${name}` })),
  'spectral openapi.json': [
    NO_CONTACT,
    { rule: 'operation-success-response', at: 'paths//ws/get/responses' },
    { rule: 'operation-success-response', at: 'paths//ws/{room}/get/responses' },
    ...guardedOperations(JSON.parse(openApi)).map(path => ({
      rule: 'oas3-operation-security-defined', at: `${path}/security/0/adminToken/0`
    }))
  ],
  'spectral asyncapi.json': [
    { rule: 'asyncapi-latest-version', at: 'asyncapi' },
    { rule: 'asyncapi-info-contact', at: 'info' }
  ]
}

const documents = ['openapi.json', 'asyncapi.json']
const linters: Readonly<Record<string, (folder: string) => Promise<FindingInFile[]>>> = {
  redocly: async folder => {
    const findings: FindingInFile[] = []
    for (const file of documents) {
      const { problems } = JSON.parse(await run(folder, 'redocly', 'lint', '--format=json', file))
      for (const { ruleId, location: [{ pointer }] } of problems) {
        findings.push({ file, rule: ruleId, at: pathOf(pointer) })
      }
    }
    return findings
  },
  spectral: async folder => {
    const findings = JSON.parse(await run(folder, 'spectral', 'lint', '--quiet', '--format=json', ...documents))
    return findings.map(({ code, path, source }: any) => ({ file: basename(source), rule: code, at: path.join('/') }))
  }
}

t.test('the documents pass the recommended rules of linters', async t => {
  const folder = temporaryFolder(t)
  await writeFile(join(folder, 'openapi.json'), openApi)
  await writeFile(join(folder, 'asyncapi.json'), await asyncApiText())
  await writeFile(join(folder, '.spectral.json'), '{ "extends": ["spectral:oas", "spectral:asyncapi"] }')
  for (const [linter, lint] of Object.entries(linters)) {
    const findings = await lint(folder)
    t.ok(findings.every(({ file }) => documents.includes(file)), linter)
    for (const document of documents) {
      const found = findings.filter(({ file }) => file === document)
      t.same(sorted(found), sorted(accepted[`${linter} ${document}`]), `${linter} ${document}`)
    }
  }
})

/** Where the operations are that require a role. */
function guardedOperations (document: { paths: Record<string, Record<string, { security?: object[] }>> }): string[] {
  return Object.entries(document.paths).flatMap(([path, item]) => Object.entries(item)
    .filter(([, { security = [] }]) => security.length > 0).map(([method]) => `paths/${path}/${method}`))
}

/** The output of a linter, which also fails when it finds something. */
async function run (folder: string, command: string, ...args: string[]): Promise<string> {
  const env = { ...process.env, REDOCLY_TELEMETRY: 'off', REDOCLY_SUPPRESS_UPDATE_NOTICE: 'true' }
  const [node, ...first] = toolCommand(command, 'hosts')
  const { stdout } = await promisify(execFile)(node, [...first, ...args], { cwd: folder, env }).catch(error => error)
  return stdout
}

/** A JSON pointer with its escapes undone. */
function pathOf (pointer: string): string {
  return pointer.replace(/^#\//, '').replaceAll('~1', '/').replaceAll('~0', '~')
}

function sorted (findings: readonly Finding[]): string[] {
  return findings.map(({ rule, at }) => `${rule} at ${at}`).sort()
}
