import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { root } from '../../scripts/root.ts'
import { findGaps } from '../../scripts/docs/api.ts'
import { entryPoints, generatedDocs } from '../../scripts/docs/docs.ts'
import { table } from '../../scripts/docs/markdown.ts'
import { eventTypes } from '../../src/admin/feed-event.ts'
import { readPublicApi } from '../../scripts/docs/public-api.ts'

// With the sample, as what a program reads costs most.
const publicApi = readPublicApi([...entryPoints, 'test/helper/documents/public-api-sample.ts'])
const sampleExports = publicApi.pop()!
const pages = generatedDocs(publicApi)

for (const [path, text] of Object.entries(pages)) {
  t.test(`${path} is up to date (\`npm run docs\`)`, async t => {
    t.equal(await readFile(join(root, path), 'utf8'), text)
  })
}

t.test('every public member has a documentation comment and names exported types only', async t => {
  t.same(findGaps(publicApi.flat()), [])
})

t.test('the links of docs/api.md lead to its headings, each to one', async t => {
  const headings = [...pages['docs/api.md'].matchAll(/^#{2,3} (.*)$/gm)].map(([, title]) => slugOf(title))
  const links = [...pages['docs/api.md'].matchAll(/\]\(#([^)]*)\)/g)].map(([, anchor]) => anchor)
  t.ok(links.length > 100, 'links were found')
  t.same(headings.filter((heading, at) => headings.indexOf(heading) !== at), [], 'anchors are unique')
  t.same(links.filter(link => !headings.includes(link)), [], 'no link is broken')
})

t.test('docs/events.md has every event type', async t => {
  const headings = [...pages['docs/events.md'].matchAll(/^#### (.*)$/gm)].flatMap(([, types]) => types.split(', '))
  t.same(headings.sort(), Object.keys(eventTypes).sort())
})

t.test('docs/metrics.md has the values of every label', async t => {
  const [metrics, labels] = pages['docs/metrics.md'].split('\n## Labels\n')
  const used = [...metrics.matchAll(/^\| `\w+` \| \w+ \| (`.*?`) \|/gm)].flatMap(([, cell]) => cell.split(', '))
  const explained = [...labels.matchAll(/^\| (`\w+`) \|/gm)].map(([, label]) => label)
  t.same([...new Set(used)].sort(), [...new Set(explained)].sort())
})

t.test('documentation comments are read member by member', async t => {
  const sample = sampleExports.find(({ name }) => name === 'Sample')!
  t.equal(sample.doc.text, 'First line, continued.\n\nSecond paragraph.')
  t.same(sample.bases, ['SampleBase', 'SignalSource'])
  t.same(sample.members.map(({ name, kind, type, isReadonly, signatures, doc }) =>
    ({ name, kind, type, isReadonly, signatures, text: doc.text, godot: doc.godot })), [
    {
      name: 'size',
      kind: 'property',
      type: 'number',
      isReadonly: false,
      signatures: [],
      text: 'Bytes.',
      godot: 'Sample.size'
    },
    {
      name: 'send',
      kind: 'method',
      type: '',
      isReadonly: true,
      signatures: ['send (to?: number, text?: string): void', 'send<T> (...all: T[]): void'],
      text: 'Sends; throws ERR_UNAVAILABLE.',
      godot: 'SampleMultiplayer.send (Godot 4)'
    },
    {
      name: 'pick',
      kind: 'method',
      type: '',
      isReadonly: true,
      signatures: ['pick (to: number = 7): Hidden'],
      text: 'Has a default.',
      godot: undefined
    },
    {
      name: 'bare?',
      kind: 'property',
      type: '{ a: number, b: string }',
      isReadonly: true,
      signatures: [],
      text: '',
      godot: undefined
    }
  ])
  t.same(sample.signals.map(({ name, type, doc }) =>
    [name, type, doc.text]), [['sent', '(id: number)', 'A packet was sent.']])
  t.same(findGaps(sampleExports),
    ['Sample.bare? has no documentation comment', 'Sample names Hidden, which is not exported'])
})

t.test('a table has no empty columns', async t => {
  t.same(table(['a', 'b', 'c'], [['1', '', ''], ['2', '', '3']]), [
    '| a | c |', '| --- | --- |', '| 1 |  |', '| 2 | 3 |'
  ])
})

/** GitHub's anchor of a heading. */
function slugOf (title: string): string {
  return title.toLowerCase().replace(/[^\w -]/g, '').replaceAll(' ', '-')
}
