import type { FastifyPluginAsync } from 'fastify'
import t from 'tap'
import peerServer, { serverOptions, WebSocketServer } from '../index.ts'
import type { ServerOptions } from '../index.ts'
import { typeErrors } from './helper/documents/compile.ts'

/** Where options are given, declared here without what else index.ts leads to. */
const preamble = `
import Fastify, { type FastifyPluginAsync } from 'fastify'
import { serverOptions } from '../../src/options/server-options.ts'
import type { ServerOptions } from '../../src/options/option-types.ts'
declare const peerServer: FastifyPluginAsync<Partial<ServerOptions>>
declare const WebSocketServer: new (options: Partial<ServerOptions>) => object
const app = Fastify()
`
// Compiled, never run: the real ones are the same.
export const declared: [
  FastifyPluginAsync<Partial<ServerOptions>>, new (options: Partial<ServerOptions>) => object, typeof serverOptions
] = [peerServer, WebSocketServer, serverOptions]

/**
 * The same faults in the simplest functions. They show that more than one line is how TypeScript reports them: it does
 * not look into the function of an optional property (`T | undefined` has no call signatures), compares a promise with
 * the union and with its promise, and begins with the fact that no overload matches. A version of TypeScript that does
 * better fails here.
 */
const limits: Array<[declaration: string, call: string, at: string, lines: number]> = [
  ['(options: { f: () => boolean }): void', 'limit({ f: () => 5 })', '5 ', 1],
  ['(options: { f?: () => boolean }): void', 'limit({ f: () => 5 })', 'f:', 2],
  ['(options: { f? (): boolean }): void', 'limit({ f: () => 5 })', 'f:', 2],
  ['(options: Partial<{ f: () => boolean }>): void', 'limit({ f: () => 5 })', 'f:', 2],
  ['(options: { f?: () => Promise<boolean> }): void', "limit({ f: async () => '' })", 'f:', 3],
  ['(options: { f?: () => boolean | Promise<boolean> }): void', "limit({ f: async () => '' })", 'f:', 4],
  ['(options: { n?: number }): void', "limit({ n: '' })", 'n:', 1],
  ['{ (options: { n?: number }): void, (options: { n?: number }, more?: object): void }', "limit({ n: '' })", 'n:', 3]
]

/** A wrong option, the first line of its error, and how many lines that has at most. */
const faults: Array<[option: string, firstLine: RegExp, lines: number]> = [
  ['handshakeTimout: 3', /'handshakeTimout' does not exist in type .*Did you mean to write 'handshakeTimeout'\?$/, 1],
  ['rooms: { maxRoms: 3 }', /'maxRoms' does not exist in type .*Did you mean to write 'maxRooms'\?$/, 1],
  ["wire: 'godot5'", /^Type '"godot5"' is not assignable to type '"godot3" \| "godot4"/, 1],
  ["rooms: { create: 'all' }", /^Type '"all"' is not assignable to type '"admin" \| "join"/, 1],
  ["maxPeers: '5'", /^Type 'string' is not assignable to type 'number'/, 1],
  ['onHandshake: () => 5', /^Type '\(\) => number' is not assignable to type 'OnHandshake'/, 2],
  ["onHandshake: async () => 'yes'", /^Type '\(\) => Promise<string>' is not assignable to type 'OnHandshake'/, 4],
  ['authenticate: () => 7', /^Type '\(\) => number' is not assignable to type 'Authenticate'/, 2],
  ["authenticate: async () => 'yes'", /^Type '\(\) => Promise<string>' is not assignable to type 'Authenticate'/, 5]
]

/** Ways to give options: the last one has the errors of Fastify's overloads around that of the option. */
const ways = [
  (option: string) => `new WebSocketServer({ ${option} })`,
  (option: string) => `app.register(peerServer, serverOptions({ ${option} }))`,
  (option: string) => `app.register(peerServer, { ${option} })`
]

const lines = ways.map(way => faults.map(([option]) => way(option)))
const optionsText = preamble + lines.flat().join('\n') + '\n'
const limitBlocks = limits.map(([declaration, call]) =>
  `{ const limit: ${declaration.startsWith('{') ? declaration : `{ ${declaration} }`} = (): void => {}\n${call} }\n`)

t.test('a wrong option is one error at that option, whose first line says what is wrong', async t => {
  const errors = await typeErrors(t, { 'options.ts': optionsText })
  t.equal(errors.length, ways.length * faults.length)
  for (const [at, [option, firstLine, most]] of faults.entries()) {
    for (const [way, ofWay] of lines.entries()) {
      const { start, message, code } = errors[way * faults.length + at]
      const [name] = /\w+(?=: [^{]|: \(\)| \})/.exec(option)!
      t.equal(start, optionsText.indexOf(ofWay[at]) + ofWay[at].lastIndexOf(name, ofWay[at].indexOf(option) +
        option.length), `${ofWay[at]}: at the option`)
      if (way < 2) {
        t.match(message[0], firstLine, ofWay[at])
        t.ok(message.length <= most, `${ofWay[at]}: ${message.length} lines`)
      } else {
        t.equal(code, 2769, 'no overload matches')
        t.ok(message.some(line => firstLine.test(line.trim()) || line.includes(name)), ofWay[at])
      }
    }
  }
})

t.test('errors of several lines have as many in the simplest functions', async t => {
  const errors = await typeErrors(t, { 'limits.ts': limitBlocks.join('') })
  t.equal(errors.length, limits.length)
  let end = 0
  for (const [at, [declaration, call, fault, lines]] of limits.entries()) {
    end += limitBlocks[at].length
    const { start, message } = errors[at]
    t.equal(start, end - `${call} }\n`.length + call.indexOf(fault), `${declaration}: where`)
    t.equal(message.length, lines, `${declaration}: ${message.join(' / ')}`)
  }
})
