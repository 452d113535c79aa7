import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import t from 'tap'
import { root } from '../scripts/root.ts'
import { generatedDocs } from '../scripts/docs.ts'

for (const [path, text] of Object.entries(generatedDocs())) {
  t.test(`${path} is what \`npm run docs\` writes`, async t => {
    t.equal(await readFile(join(root, path), 'utf8'), text)
  })
}
