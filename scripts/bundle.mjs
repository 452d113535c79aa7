// Bundles typebox into the compiled src/typebox.ts.
import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const source = join(root, 'src/typebox.ts')
const bundled = join(root, 'dist/src/typebox.js')

/** Replaces what the compiler has made of the file by a bundle, unless that is done. */
export async function bundle () {
  const banner = bannerOf('typebox')
  if (readFileSync(bundled, 'utf8').startsWith(banner)) return
  const { build } = await import('esbuild')
  await build({
    entryPoints: [source],
    outfile: bundled,
    bundle: true,
    format: 'esm',
    minify: true,
    legalComments: 'none',
    banner: { js: banner },
    logLevel: 'warning'
  })
}

/** Version and licence of a package, as a comment. */
function bannerOf (name) {
  const folder = join(root, 'node_modules', name)
  const { version } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
  return `/*! ${name} ${version}\n\n${readFileSync(join(folder, 'license'), 'utf8').trim()}\n*/`
}
