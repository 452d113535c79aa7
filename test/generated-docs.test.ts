import { readFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import t from 'tap'
import { generatedDocs } from '../scripts/docs.ts'

for (const [path, text] of Object.entries(generatedDocs())) {
  t.test(`${path} is what \`npm run docs\` writes`, async t => {
    t.equal(await readFile(resolve(import.meta.dirname, '..', path), 'utf8'), text)
  })
}
