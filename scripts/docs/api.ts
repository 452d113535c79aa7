// The text of docs/api.md, from what scripts/docs/public-api.ts reads.
import { eventTypes } from '../../src/admin/feed-event.ts'
import { errors } from '../../src/error.ts'
import type { ErrorCode } from '../../src/error.ts'
import { cell, code, table } from './markdown.ts'
import {
  adminOptionRows, defaultOf, lobbyOptionRows, namedTokenRows, optionColumns, optionRows
} from './options-table.ts'
import type { ApiExport, Member } from './public-api.ts'

const MAX_COLUMNS = 120

interface Section {
  readonly title: string
  readonly intro: string
  /** Files of the exports that belong here. */
  readonly files: RegExp
}

/** In this order; an export belongs to the first section that its file matches. */
const sections: readonly Section[] = [
  { title: 'Plugins', intro: 'Fastify plugins and their options.', files: /^(plugins|routes|src\/admin)\/|^src\/lobby-/ },
  { title: 'Remote calls', intro: 'See [multiplayer.md](multiplayer.md).', files: /^src\/core\/rpc\// },
  {
    title: 'Variants',
    intro: 'Values that Godot can send, see [variant.md](variant.md). Objects are immutable.',
    files: /^src\/protocol\/variant\//
  },
  { title: 'Server', intro: 'The server, its peers, their options and events.', files: /^src\/(?!client\/)/ }
]

const rest: Section = { title: 'REST client', intro: 'Exported by `fastify-peer-server/client`.', files: /./ }

/** Sections in the order of the page. */
const [plugins, calls, variants, server] = sections
const order = [plugins, server, calls, variants, rest]

/** Kinds of exports in the order of a section. */
const kinds: ReadonlyArray<ApiExport['kind']> = ['class', 'constant', 'function', 'interface', 'type', 'alias']

/** Types that follow from a schema. */
const schemaRows: Readonly<Record<string, () => string[][]>> = {
  ServerOptions: optionRows,
  AdminOptions: adminOptionRows,
  LobbyOptions: lobbyOptionRows,
  NamedToken: namedTokenRows
}

/** Meanings of members that have no documentation comment, because a table has them. */
const meanings: Readonly<Record<string, Readonly<Record<string, string>>>> = { FeedEventData: eventTypes }

/** Classes that come before those in alphabetical order. */
const firstClasses =
  [
    'WebSocketServer', 'WebSocketPeer', 'PacketPeer', 'MultiplayerAPI', 'RemoteNode', 'Spawner', 'SpawnedNode',
    'ClientSpawner', 'ClientNode', 'PeerServerClient'
  ]

const intro = [
  'Every public class, method, property, signal and type of the package. Methods and properties are named after ' +
    'Godot\'s, in camelCase; signals have Godot\'s names. Units are Godot\'s (seconds, KiB) unless stated otherwise. ' +
    'Where Godot returns an Error, methods throw a [GodotError](#godoterror) (async methods reject with one); ' +
    '[errors.md](errors.md) lists them all. "Godot" names the class and member that a member mirrors, of Godot 3 ' +
    'unless stated otherwise; members without it are additions.'
]

const errorNames = new RegExp(`\\b(ERR_[A-Z_]+|FAILED)\\b|\`(${Object.keys(errors).filter(name => /^[a-z]/.test(name))
  .join('|')})\``, 'g')
const sameErrors = /\b(?:throws|errors) as (?:of )?`([\w.]+)`/gi

/**
 * Lines of the page. `server` are the exports of `fastify-peer-server`, `rest` those of `fastify-peer-server/client`.
 */
export function apiPage (server: readonly ApiExport[], client: readonly ApiExport[]): string[] {
  const all = new ApiIndex(server, client)
  const parts = order.map(section => ({
    section,
    exports: [...section === rest ? client : server.filter(one => sectionOf(one) === section)].sort((a, b) =>
      rankOf(a) - rankOf(b))
  }))
  return [
    ...intro, '',
    ...parts.map(({ section: { title }, exports }) =>
      `- [${title}](${anchor(title)}): ${exports.filter(hasHeading).map(one => all.link(one)).join(', ')}`),
    ...parts.flatMap(({ section, exports }) => sectionLines(section, exports, all))
  ]
}

/** Exports and members without a documentation comment, and types that signatures name but no entry point exports. */
export function findGaps (exports: readonly ApiExport[]): string[] {
  return exports.flatMap(one => [
    ...(one.doc.text === '' && one.kind !== 'alias' ? [`${one.name} has no documentation comment`] : []),
    ...[...one.members, ...one.signals].filter(member =>
      meaningOf(one, member) === '' && !isDocumentedByClass(member, one))
      .map(({ name }) => `${one.name}.${name} has no documentation comment`),
    ...one.unexported.map(type => `${one.name} names ${type}, which is not exported`)
  ])
}

/** The documentation comment of a member, or what a table of the code says. */
function meaningOf ({ name }: ApiExport, member: Member): string {
  return member.doc.text || (meanings[name]?.[member.name] ?? '')
}

/**
 * A field that is set by a constructor parameter of the same name is documented with the class, as is the constructor.
 */
function isDocumentedByClass (member: Member, { kind, members }: ApiExport): boolean {
  if (kind !== 'class') return false
  const [constructor] = members.filter(({ kind }) => kind === 'constructor')
  return member === constructor ||
    (constructor?.signatures[0] ?? '').match(new RegExp(`[(, ]${member.name}[?]?: `)) !== null
}

function sectionOf ({ name, file }: ApiExport): Section {
  const section = sections.find(({ files }) => files.test(file))
  if (section === undefined) throw new Error(`${name} of ${file} belongs to no section of docs/api.md`)
  return section
}

/** Classes first, then what can be called, then types; interfaces and other types are mixed. */
function rankOf ({ name, kind }: ApiExport): number {
  const first = firstClasses.indexOf(name)
  return first >= 0 ? first - firstClasses.length : Math.min(kinds.indexOf(kind), kinds.indexOf('interface'))
}

function sectionLines ({ title, intro }: Section, exports: readonly ApiExport[], all: ApiIndex): string[] {
  const values = exports.filter(isValueType)
  const aliases = exports.filter(({ kind }) => kind === 'alias')
  return [
    '', `## ${title}`, '', intro,
    ...exports.filter(hasHeading).flatMap(one => exportLines(one, all)),
    ...(values.length === 0
      ? []
      : ['', '### Value types', '', ...table(['class', 'fields', 'meaning'], values.map(valueTypeRow))]),
    ...(aliases.length === 0
      ? []
      : ['', '### Other names', '', ...table([
          'name', 'is'
        ], aliases.map(({ name, declaration }) => [`\`${name}\``, `\`${declaration}\``]))])
  ]
}

function exportLines (one: ApiExport, all: ApiIndex): string[] {
  const title = ['', `### ${all.titleOf(one)}`, '']
  const rows = schemaRows[one.name]
  if (rows !== undefined) return [...title, one.doc.text, '', ...table(optionColumns, rows())]
  if (one.kind === 'class') return [...title, ...classLines(one, all)]
  if (one.kind === 'interface') return [...title, ...interfaceLines(one, all)]
  if (one.kind === 'function') return [...title, ...methodLines(one, one.members[0], all, 'function ')]
  const keyword = one.kind === 'constant' ? 'const' : 'type'
  return [
    ...title, ...(one.declaration === '' ? [] : [...codeBlock([`${keyword} ${one.declaration}`]), '']), one.doc.text
  ]
}

/** Properties, methods and signals as on a class page of Godot's manual, then what Godot does not have. */
function classLines (one: ApiExport, all: ApiIndex): string[] {
  const constructor = one.members.find(({ kind }) => kind === 'constructor')
  const ofKind = (members: readonly Member[], wanted: Member['kind']): Member[] =>
    members.filter(({ kind }) => kind === wanted)
  const isGodots = (member: Member): boolean => member.doc.godot !== undefined
  const group = (title: string, isMine: (member: Member) => boolean, signals: readonly Member[]): string[] => {
    const members = one.members.filter(isMine)
    return [
      ...propertyLines(`${title}Properties`, one, ofKind(members, 'property')),
      ...methodGroupLines(`${title}Methods`, one, ofKind(members, 'method'), all),
      ...signalLines(`${title}Signals`, signals.filter(isMine))
    ]
  }
  return [
    ...(one.bases.length === 0 ? [] : [`Inherits ${one.bases.map(name => all.linkTo(name)).join(', ')}.`, '']),
    one.doc.text,
    ...(constructor === undefined
      ? []
      : ['', ...codeBlock(constructor.signatures.map(text => text.replace('constructor', `new ${one.name}`))),
          ...(constructor.doc.text === '' ? [] : ['', constructor.doc.text])]),
    ...one.bases.flatMap(base =>
      ['', `Inherited from ${all.linkTo(base)}: ${all.inherited(one, base).map(name => `\`${name}\``).join(', ')}.`]),
    ...group('', isGodots, one.signals),
    ...group(one.members.some(isGodots) ? 'Additional ' : '', member => !isGodots(member), one.signals)
  ]
}

function propertyLines (title: string, one: ApiExport, members: readonly Member[]): string[] {
  if (members.length === 0) return []
  const hasDefaults = one.name === 'WebSocketServer'
  return ['', `#### ${title}`, '', ...table([
    'property', 'type', 'default', 'meaning', 'Godot'
  ], members.map(({ name, type, isReadonly, doc }) => [
    `\`${name}\``, `\`${cell(type)}\``, hasDefaults ? code(defaultOf(name)) : '', cell(doc.text +
      (isReadonly ? ' Read-only.' : '')), sourceOf(doc.godot)]))]
}

function methodGroupLines (title: string, one: ApiExport, members: readonly Member[], all: ApiIndex): string[] {
  if (members.length === 0) return []
  return ['', `#### ${title}`, ...members.flatMap(member =>
    ['', `##### ${one.name}.${member.name}`, '', ...methodLines(one, member, all)])]
}

function methodLines (one: ApiExport, member: Member, all: ApiIndex, keyword = ''): string[] {
  const codes = all.errorsOf(one, member)
  const facts = [
    ...(codes.length === 0 ? [] : [`Errors: ${codes.map(errorLink).join(', ')}.`]),
    ...(member.doc.godot === undefined ? [] : [`Godot: ${sourceOf(member.doc.godot)}.`])
  ]
  return [...codeBlock(member.signatures.map(signature =>
    keyword + signature)), '', member.doc.text, ...(facts.length === 0 ? [] : ['', facts.join(' ')])]
}

function signalLines (title: string, signals: readonly Member[]): string[] {
  if (signals.length === 0) return []
  return ['', `#### ${title}`, '', ...table(['signal', 'arguments', 'meaning', 'Godot'],
    signals.map(({ name, type, doc }) => [`\`${name}\``, `\`${type}\``, cell(doc.text), sourceOf(doc.godot)]))]
}

function interfaceLines (one: ApiExport, all: ApiIndex): string[] {
  const rows = one.members.map(member =>
    [`\`${member.name}\``, `\`${cell(member.type || member.signatures.join(' '))}\``, cell(meaningOf(one, member))])
  return [
    ...(one.bases.length === 0 ? [] : [`Extends ${one.bases.map(name => all.linkTo(name)).join(', ')}.`, '']),
    one.doc.text,
    ...(rows.length === 0 ? [] : ['', ...table(['member', 'type', 'meaning'], rows)])
  ]
}

function valueTypeRow ({ name, members, bases, doc }: ApiExport): string[] {
  const constructor =
    members.find(({ kind }) => kind === 'constructor')?.signatures[0].replace('constructor', `new ${name}`)
  const fields = members.filter(({ kind }) => kind === 'property')
  const texts = fields.filter(field => field.doc.text !== '').map(field => `\`${field.name}\`: ${field.doc.text}`)
  return [
    `\`${cell(constructor ?? `new ${name} (...)`)}\``,
    fields.length === 0 ? `those of ${bases.join(', ')}` : fields.map(field => `\`${field.name}\``).join(' '),
    cell([doc.text, ...texts].join(' '))
  ]
}

/** All exports by name: their headings, and what members take over from others. */
class ApiIndex {
  readonly #exports: ReadonlyMap<string, ApiExport>
  readonly #titles: ReadonlyMap<ApiExport, string>

  constructor (server: readonly ApiExport[], client: readonly ApiExport[]) {
    // The client has a type with the name of another one of the server; only the server's is referred to by name.
    this.#exports = new Map([...client, ...server].map(one => [one.name, one]))
    this.#titles = new Map([...server, ...client].map(one =>
      [one, uniqueTitle(one, [...server, ...client], client.includes(one))]))
  }

  titleOf (one: ApiExport): string {
    return this.#titles.get(one)!
  }

  link (one: ApiExport): string {
    return `[${nameOf(one)}](${anchor(this.titleOf(one))})`
  }

  linkTo (name: string): string {
    return this.link(this.#exports.get(name)!)
  }

  /** Names of the members of a base that a class does not declare again. */
  inherited (one: ApiExport, base: string): string[] {
    const own = new Set(one.members.map(({ name }) => name))
    return this.#exports.get(base)!.members.map(({ name }) => name)
      .filter(name => !own.has(name) && name !== 'constructor')
  }

  /** Errors that a member may report: those that its comment names, and those of members that it refers to. */
  errorsOf (one: ApiExport, { doc: { text } }: Member): ErrorCode[] {
    const own = [...text.matchAll(errorNames)].map(([, godot, ours]) => godot ?? ours)
    const others = [...text.matchAll(sameErrors)].flatMap(([, name]) => {
      const [member, owner = one.name] = name.split('.').reverse()
      return this.#errorsOfMember(this.#exports.get(owner), member)
    })
    const codes = [...new Set([...own, ...others])]
    const unknown = codes.find(code => !(code in errors))
    if (unknown !== undefined) throw new Error(`${one.name}: no error ${unknown}`)
    return codes as ErrorCode[]
  }

  #errorsOfMember (one: ApiExport | undefined, name: string): ErrorCode[] {
    const member = one?.members.find(member => member.name === name)
    if (member !== undefined) return this.errorsOf(one!, member)
    const base = one?.bases.map(base => this.#exports.get(base)!)
      .find(({ members }) => members.some(member => member.name === name))
    if (base === undefined) throw new Error(`${one?.name}: no member ${name} to take errors from`)
    return this.#errorsOfMember(base, name)
  }
}

/** Headings that differ in case only would have the same anchor. */
function uniqueTitle (one: ApiExport, all: readonly ApiExport[], isOfClient: boolean): string {
  const name = nameOf(one)
  if (all.filter(other => nameOf(other).toLowerCase() === name.toLowerCase()).length === 1) return name
  if (one.kind === 'function' || one.kind === 'constant') return `${name} (${one.kind})`
  return isOfClient ? `${name} (REST)` : name
}

function nameOf ({ name }: ApiExport): string {
  return name === 'default' ? 'peerServer' : name
}

function hasHeading (one: ApiExport): boolean {
  return one.kind !== 'alias' && !isValueType(one)
}

function isValueType ({ kind, file }: ApiExport): boolean {
  return kind === 'class' && file.startsWith('src/protocol/variant/')
}

/** Alternatives of a type that is longer than a line are on lines of their own. */
function codeBlock (lines: readonly string[]): string[] {
  return ['```ts', ...lines.map(line =>
    line.length > MAX_COLUMNS ? line.replaceAll(/(?<= = .*) \| (?![^(<{[]*[)>}\]])/g, '\n  | ') : line), '```']
}

function anchor (title: string): string {
  return `#${title.toLowerCase().replace(/[^\w -]/g, '').replaceAll(' ', '-')}`
}

function errorLink (code: ErrorCode): string {
  const { number } = errors[code] as { number?: number }
  return `[\`${code}\`](errors.md)${number === undefined ? '' : ` (${number})`}`
}

function sourceOf (godot: string | undefined): string {
  return godot === undefined ? '' : godot.replace(/^\S+/, '`$&`')
}
