import { readdirSync, readFileSync } from 'node:fs'
import { dirname, join, resolve } from 'node:path'
import t from 'tap'
import { root } from '../../scripts/root.ts'
import { filesIn } from '../helper/documents/files-in.ts'

const folder = join(root, 'examples')
const examples = readdirSync(folder, { withFileTypes: true }).filter(entry => entry.isDirectory())
  .map(({ name }) => name)
const tests = readdirSync(join(root, 'test/examples'))

t.test('every example is in the list, has a page that begins with its command, and is tested', async t => {
  const sources = tests.map(file => readFileSync(join(root, 'test/examples', file), 'utf8')).join('')
  const list = readFileSync(join(folder, 'README.md'), 'utf8')
  t.same([...list.matchAll(/\[(\w[\w-]*)\]\(\1\)/g)].map(([, name]) => name).sort(), examples.sort())
  for (const name of examples) {
    const page = readFileSync(join(folder, name, 'README.md'), 'utf8')
    const [, command] = /^```sh\n(.*)$/m.exec(page)!
    t.match(command, `examples/${name}/`, 'the command names the example')
    t.ok(tests.some(file => file.startsWith(`${name}.`)), `${name} has a test`)
    // Those of `monitoring` are files for Prometheus and Grafana.
    if (name !== 'monitoring') t.match(sources, `startExample(t, '${name}'`, `a test runs the command of ${name}`)
  }
})

t.test('the code of an example works outside of this repository: it imports packages and examples only', async t => {
  for (const name of examples) {
    const own = join(folder, name)
    for (const file of filesIn(own).filter(file => /\.[jt]s$/.test(file))) {
      const imports = readFileSync(join(own, file), 'utf8').matchAll(/(?:from|import\()\s*'(\.[^']*)'/g)
      for (const [, path] of imports) {
        t.ok(resolve(own, dirname(file), path).startsWith(`${folder}/`), `${name}/${file} imports ${path}`)
      }
    }
  }
})
