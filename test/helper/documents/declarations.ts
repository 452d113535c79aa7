import { join, sep } from 'node:path'
import ts from 'typescript'

/**
 * What the compiler written in JavaScript, the version before the native one, says of a file of a project, and of the
 * declarations of one of its packages, which `skipLibCheck: false` checks, too; those of other packages are left out.
 * Modules are found as bundlers find them.
 */
export function bundlerErrors (project: string, file: string, packageName: string): string[] {
  const options: ts.CompilerOptions = {
    strict: true,
    noEmit: true,
    target: ts.ScriptTarget.ES2023,
    types: ['node'],
    module: ts.ModuleKind.ESNext,
    moduleResolution: ts.ModuleResolutionKind.Bundler
  }
  const host = { ...ts.createCompilerHost(options), getCurrentDirectory: () => project }
  const program = ts.createProgram([join(project, file)], options, host)
  const folder = `${sep}node_modules${sep}${packageName}${sep}`
  const own = program.getSourceFiles().filter(({ fileName }) => fileName.endsWith(file) || fileName.includes(folder))
  if (own.length < 2) throw new Error(`${packageName} was not found from ${file}`)
  const found = [
    ...program.getGlobalDiagnostics(),
    ...own.flatMap(source => [...program.getSyntacticDiagnostics(source), ...program.getSemanticDiagnostics(source)])
  ]
  return found.map(({ file, messageText }) =>
    `${file?.fileName}: ${ts.flattenDiagnosticMessageText(messageText, '\n')}`)
}
