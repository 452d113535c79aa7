import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { root } from '../../scripts/root.ts'
import { replaceSection } from '../../bench/report/document.ts'

const document = 'a\n<!-- bench: one -->\nold\n<!-- end -->\nb\n<!-- bench: two -->\n<!-- end -->\n'

t.test('replaces the text of one section only', async t => {
  const replaced = replaceSection(document, 'one', 'new')
  t.equal(replaced, 'a\n<!-- bench: one -->\n\nnew\n\n<!-- end -->\nb\n<!-- bench: two -->\n<!-- end -->\n')
  t.equal(replaceSection(replaced, 'one', 'new'), replaced)
})

t.test('throws for a section that does not exist', async t => {
  t.throws(() => replaceSection(document, 'three', 'new'), { message: 'No section three' })
})

t.test('docs/benchmarks.md has all sections', async t => {
  const page = readFileSync(join(root, 'docs/benchmarks.md'), 'utf8')
  for (const name of ['summary', 'scenarios', 'rooms', 'idle', 'sizes']) {
    t.doesNotThrow(() => replaceSection(page, name, ''), name)
  }
})
