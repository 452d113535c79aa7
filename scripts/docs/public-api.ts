// Reads the public API of the package from the sources, with the TypeScript compiler.
import { join, relative } from 'node:path'
import ts from 'typescript'
import { root } from '../root.ts'

/** What a documentation comment says. */
export interface Doc {
  /** Markdown, without the source; '' without a comment. */
  readonly text: string
  /**
   * Class and member of Godot that it mirrors, e.g. `WebSocketServer.stop`; with the version where it is not Godot 3.
   */
  readonly godot: string | undefined
}

/** A public member of a class or an interface, or a function; a function with overloads has several signatures. */
export interface Member {
  readonly name: string
  readonly kind: 'constructor' | 'property' | 'method'
  readonly signatures: readonly string[]
  /** Type of a property. */
  readonly type: string
  readonly isReadonly: boolean
  readonly doc: Doc
}

/** A value or a type that an entry point exports. */
export interface ApiExport {
  readonly name: string
  readonly kind: 'class' | 'interface' | 'function' | 'type' | 'alias' | 'constant'
  /** Source file, relative to the root. */
  readonly file: string
  readonly doc: Doc
  readonly typeParameters: string
  readonly members: readonly Member[]
  /** Signals of a class; their types are the labelled arguments. */
  readonly signals: readonly Member[]
  /** Classes and interfaces that it extends. */
  readonly bases: readonly string[]
  /** Source of a type, of an alias or of a constant's type. */
  readonly declaration: string
  /** Types of this project that its public signatures name but no entry point exports. */
  readonly unexported: readonly string[]
}

type Declaration = ts.ClassDeclaration | ts.InterfaceDeclaration
type MemberNode = ts.ClassElement | ts.TypeElement

/** Interface whose type argument is the table of a class's signals. */
const signalSource = 'SignalSource'
// "Godot:" stands for Godot 3.
const sourceNote = /\s*\bGodot( 4)?: (\w+\.\w+)\.$/

/** The exports of each entry point, e.g. of `index.ts`, in alphabetical order. */
export function readPublicApi (entries: readonly string[]): ApiExport[][] {
  const program = createProgram(entries)
  const checker = program.getTypeChecker()
  const exportsOf = entries.map(entry => {
    const module = checker.getSymbolAtLocation(program.getSourceFile(join(root, entry))!)!
    return checker.getExportsOfModule(module).map(symbol => ({ name: symbol.name, symbol: resolve(checker, symbol) }))
  })
  const exported = new Set(exportsOf.flat().map(({ symbol }) => symbol))
  return exportsOf.map(list => list.map(({ name, symbol }) => new ApiReader(checker, exported).read(name, symbol))
    .sort((a, b) => a.name < b.name ? -1 : 1))
}

function createProgram (entries: readonly string[]): ts.Program {
  const { config } = ts.readConfigFile(join(root, 'tsconfig.json'), ts.sys.readFile)
  const { options } = ts.convertCompilerOptionsFromJson(config.compilerOptions, root)
  return ts.createProgram(entries.map(entry => join(root, entry)), { ...options, incremental: false, noEmit: true })
}

function resolve (checker: ts.TypeChecker, symbol: ts.Symbol): ts.Symbol {
  return symbol.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol
}

/** Reads one export. */
class ApiReader {
  readonly #checker: ts.TypeChecker
  readonly #exported: ReadonlySet<ts.Symbol>
  readonly #unexported = new Set<string>()

  constructor (checker: ts.TypeChecker, exported: ReadonlySet<ts.Symbol>) {
    this.#checker = checker
    this.#exported = exported
  }

  read (name: string, symbol: ts.Symbol): ApiExport {
    const nodes = symbol.declarations!
    const entry = this.#contentOf(name, symbol, nodes)
    const empty = { typeParameters: '', members: [], signals: [], bases: [], declaration: '' }
    const file = relative(root, nodes[0].getSourceFile().fileName)
    return { ...empty, name, file, doc: docOf(nodes), ...entry, unexported: [...this.#unexported] }
  }

  #contentOf (name: string, symbol: ts.Symbol, nodes: ts.Declaration[]): Pick<ApiExport, 'kind'> & Partial<ApiExport> {
    const types =
      nodes.filter((node): node is Declaration => ts.isClassDeclaration(node) || ts.isInterfaceDeclaration(node))
    if (types.length > 0) return this.#declared(name, types)
    const type = nodes.find(ts.isTypeAliasDeclaration)
    if (type !== undefined) return this.#typeAlias(name, type, nodes.find(ts.isVariableDeclaration))
    const functions = nodes.filter(ts.isFunctionDeclaration)
    if (functions.length > 0) return { kind: 'function', members: [this.#method(name, functions)] }
    return this.#constant(name, symbol, nodes[0])
  }

  /** A class, or an interface, with what it inherits from bases that are not exported. */
  #declared (name: string, nodes: readonly Declaration[]): Pick<ApiExport, 'kind'> & Partial<ApiExport> {
    const bases = nodes.flatMap(node => this.#basesOf(node))
    const merged = bases.filter(({ symbol }) => symbol.name === name || !this.#exported.has(symbol))
      .map(({ symbol }) => this.#declared(name, symbol.declarations as Declaration[]))
    const tables = bases.filter(({ symbol }) => symbol.name === signalSource).map(({ node }) => node.typeArguments![0])
    return {
      kind: nodes.some(ts.isClassDeclaration) ? 'class' : 'interface',
      typeParameters: typeParametersOf(nodes[0]),
      members: unique([
        ...nodes.flatMap(node => this.#membersOf(node)), ...merged.flatMap(({ members = [] }) => members)
      ]),
      signals: [...tables.flatMap(table => this.#signalsOf(table)), ...merged.flatMap(({ signals = [] }) => signals)],
      bases: [...bases.filter(({ symbol }) => symbol.name !== name && this.#exported.has(symbol))
        .map(({ symbol }) => symbol.name),
      ...merged.flatMap(({ bases = [] }) => bases)]
    }
  }

  /** The bases that this project declares. */
  #basesOf (node: Declaration): Array<{ symbol: ts.Symbol, node: ts.ExpressionWithTypeArguments }> {
    const clauses = (node.heritageClauses ?? []).filter(({ token }) => token === ts.SyntaxKind.ExtendsKeyword)
    return clauses.flatMap(({ types }) => [...types]).flatMap(type => {
      type.typeArguments?.forEach(argument => this.#noteReferences(argument))
      const symbol = resolve(this.#checker, this.#checker.getSymbolAtLocation(type.expression)!)
      return isOurs(symbol) ? [{ symbol, node: type }] : []
    })
  }

  #membersOf (node: Declaration): Member[] {
    const byName = new Map<string, MemberNode[]>()
    for (const member of [...node.members].filter(member => isPublic(member) && !isInternal(member))) {
      const name = ts.isConstructorDeclaration(member) ? 'constructor' : member.name!.getText()
      byName.set(name, [...byName.get(name) ?? [], member])
    }
    return [...byName].map(([name, nodes]) =>
      isCallable(nodes[0]) ? this.#method(name, nodes as ts.SignatureDeclaration[]) : this.#property(name, nodes))
  }

  /** Of several declarations those without a body are the overloads that callers see. */
  #method (name: string, nodes: ReadonlyArray<ts.SignatureDeclaration>): Member {
    const overloads = nodes.filter(node => !('body' in node && node.body !== undefined))
    const visible = overloads.length > 0 ? overloads : nodes
    const kind = ts.isConstructorDeclaration(nodes[0]) ? 'constructor' : 'method'
    return {
      name,
      kind,
      signatures: visible.map(node => this.#signature(name, node)),
      type: '',
      isReadonly: true,
      doc: docOf(visible)
    }
  }

  #signature (name: string, node: ts.SignatureDeclaration): string {
    const parameters = node.parameters.map(parameter => this.#parameter(parameter)).join(', ')
    if (node.type !== undefined) this.#noteReferences(node.type)
    node.typeParameters?.forEach(parameter => this.#noteReferences(parameter))
    const result = node.type === undefined ? '' : `: ${textOf(node.type)}`
    return `${name}${typeParametersOf(node)} (${parameters})${result}`
  }

  #parameter (node: ts.ParameterDeclaration): string {
    if (node.type !== undefined) this.#noteReferences(node.type)
    const name = ts.isIdentifier(node.name) ? node.name.text : ts.isArrayBindingPattern(node.name) ? 'args' : 'options'
    const type =
      node.type === undefined ? this.#checker.typeToString(this.#checker.getTypeAtLocation(node)) : textOf(node.type)
    const fallback = node.initializer === undefined ? '' : ` = ${this.#value(node.initializer)}`
    return `${node.dotDotDotToken ? '...' : ''}${name}${node.questionToken ? '?' : ''}: ${type}${fallback}`
  }

  /** A default value: what a constant stands for, else its source. */
  #value (node: ts.Expression): string {
    const type = this.#checker.getTypeAtLocation(node)
    if (type.isStringLiteral()) return `'${type.value}'`
    return type.isNumberLiteral() ? String(type.value) : textOf(node).replace(/^this\./, '')
  }

  #property (name: string, nodes: readonly MemberNode[]): Member {
    const [node] = nodes as readonly ts.PropertySignature[]
    if (node.type !== undefined) this.#noteReferences(node.type)
    const type =
      node.type === undefined ? this.#checker.typeToString(this.#checker.getTypeAtLocation(node)) : textOf(node.type)
    const isReadonly =
      ts.isGetAccessor(node) ? !nodes.some(ts.isSetAccessor) : hasModifier(node, ts.SyntaxKind.ReadonlyKeyword)
    const question = node.questionToken ? '?' : ''
    return { name: name + question, kind: 'property', signatures: [], type, isReadonly, doc: docOf(nodes) }
  }

  #signalsOf (table: ts.TypeNode): Member[] {
    return this.#checker.getTypeFromTypeNode(table).getProperties().map(signal => {
      const [node] = signal.declarations as [ts.PropertySignature]
      const type = textOf(node.type!).replace(/^\[(.*)\]$/, '($1)')
      return { name: signal.name, kind: 'property', signatures: [], type, isReadonly: true, doc: docOf([node]) }
    })
  }

  #typeAlias (
    name: string, node: ts.TypeAliasDeclaration, constant: ts.VariableDeclaration | undefined
  ): Pick<ApiExport, 'kind'> & Partial<ApiExport> {
    const type = this.#checker.getTypeFromTypeNode(node.type)
    const typeParameters = typeParametersOf(node)
    // `const X = Y` and `type X = Y`: a second name of a class.
    if (constant?.initializer !== undefined && ts.isIdentifier(constant.initializer)) {
      return { kind: 'alias', declaration: textOf(node.type) }
    }
    if (type.isUnion() && type.types.every(one => one.isStringLiteral())) {
      return {
        kind: 'type',
        declaration: `${name} = ${type.types.map(one => `'${(one as ts.StringLiteralType).value}'`).sort().join(' | ')}`
      }
    }
    const target = type.symbol?.declarations?.filter(ts.isInterfaceDeclaration) ?? []
    if (ts.isTypeReferenceNode(node.type) && node.type.typeArguments === undefined && target.length > 0) {
      return this.#declared(name, target)
    }
    // A computed type may consist of other computed types; its declaration shows what they result in.
    this.#noteReferences(node.type, ts.SymbolFlags.Class | ts.SymbolFlags.Interface)
    return { kind: 'type', typeParameters, declaration: `${name}${typeParameters} = ${textOf(node.type)}` }
  }

  /** A constant that can be called is a function. */
  #constant (name: string, symbol: ts.Symbol, node: ts.Declaration): Pick<ApiExport, 'kind'> & Partial<ApiExport> {
    if (ts.isVariableDeclaration(node) && node.type !== undefined) {
      return { kind: 'constant', declaration: `${name}: ${textOf(node.type)}` }
    }
    const signature = this.#checker.getTypeOfSymbol(symbol).getCallSignatures().at(0)?.getDeclaration()
    if (signature === undefined || !isOurs(symbol) || ts.isExportAssignment(node)) return { kind: 'constant' }
    return { kind: 'function', members: [{ ...this.#method(name, [signature]), doc: docOf([node]) }] }
  }

  /** Remembers the types of this project that are named but not exported; `kinds` are those that matter. */
  #noteReferences (node: ts.Node, kinds = ts.SymbolFlags.Type & ~ts.SymbolFlags.TypeParameter): void {
    if (ts.isTypeReferenceNode(node)) {
      const symbol = resolve(this.#checker, this.#checker.getSymbolAtLocation(node.typeName)!)
      if ((symbol.flags & kinds) !== 0 && isOurs(symbol) && !this.#exported.has(symbol)) {
        this.#unexported.add(symbol.name)
      }
    }
    ts.forEachChild(node, child => { this.#noteReferences(child, kinds) })
  }
}

/** Whether this project declares it, not a package. */
function isOurs (symbol: ts.Symbol): boolean {
  const file = symbol.declarations?.[0].getSourceFile().fileName
  return file !== undefined && !file.includes('/node_modules/')
}

function isPublic (node: MemberNode): boolean {
  if (ts.isConstructorDeclaration(node)) return true
  if (node.name === undefined || ts.isPrivateIdentifier(node.name)) return false
  return ![ts.SyntaxKind.PrivateKeyword, ts.SyntaxKind.ProtectedKeyword].some(kind => hasModifier(node, kind))
}

function isCallable (node: ts.Node): boolean {
  return ts.isMethodDeclaration(node) || ts.isMethodSignature(node) || ts.isConstructorDeclaration(node)
}

function hasModifier (node: ts.Node, kind: ts.SyntaxKind): boolean {
  return ts.canHaveModifiers(node) && (ts.getModifiers(node) ?? []).some(modifier => modifier.kind === kind)
}

/** Whether a member is for other files of this project only. */
function isInternal (node: ts.Node): boolean {
  return ts.getJSDocTags(node).some(({ tagName }) => tagName.text === 'internal')
}

function typeParametersOf (
  node: { readonly typeParameters?: ts.NodeArray<ts.TypeParameterDeclaration> | undefined }
): string {
  const parameters = node.typeParameters?.map(textOf) ?? []
  return parameters.length === 0 ? '' : `<${parameters.join(', ')}>`
}

/** Source in one line, without comments; members on lines of their own get commas. */
function textOf (node: ts.Node): string {
  const text = node.getText().replace(/\/\*.*?\*\/|\/\/[^\n]*/gs, '')
  return text.replace(/(?<=[\w>\]}')])\s*\n\s*(?=[\w'[])/g, ', ').replace(/\s+/g, ' ')
}

/** The first documentation comment of the declarations. */
function docOf (nodes: readonly ts.Node[]): Doc {
  const comments = nodes.flatMap(node => ts.getJSDocCommentsAndTags(node).filter(ts.isJSDoc).slice(-1))
  const text =
    comments.map(({ comment }) => ts.getTextOfJSDocComment(comment) ?? '').find(comment => comment !== '') ?? ''
  const [, version = '', source] = sourceNote.exec(text.replace(/\s+/g, ' ')) ?? []
  const paragraphs = text.split(/\n\s*\n/).map(paragraph => paragraph.replace(/\s+/g, ' ').trim())
  return {
    text: paragraphs.join('\n\n').replace(sourceNote, ''),
    godot: source && source + version.replace(/ (.*)/, ' (Godot $1)')
  }
}

/** Members by their first declaration: a subclass comes before its base. */
function unique (members: readonly Member[]): Member[] {
  return [...new Map([...members].reverse().map(member => [member.name, member])).values()].reverse()
}
