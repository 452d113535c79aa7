import { join, sep } from 'node:path'
import ts from 'typescript'

/** How a consumer compiles: `module` and `moduleResolution` of a tsconfig. */
export interface ResolutionMode { readonly module: ts.ModuleKind, readonly moduleResolution: ts.ModuleResolutionKind }

/** The modes of consumers, besides nodenext. */
export const modes: Readonly<Record<string, ResolutionMode>> = {
  node16: { module: ts.ModuleKind.Node16, moduleResolution: ts.ModuleResolutionKind.Node16 },
  bundler: { module: ts.ModuleKind.ESNext, moduleResolution: ts.ModuleResolutionKind.Bundler }
}

/**
 * Type errors in a file of a project and in the declarations of one of its packages, which `skipLibCheck: false`
 * checks, too. Those of other packages are not checked.
 */
export function typeErrors (project: string, file: string, packageName: string, mode: ResolutionMode): string[] {
  const options = { strict: true, noEmit: true, target: ts.ScriptTarget.ES2023, types: ['node'], ...mode }
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
