import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import t from 'tap'
import { root } from '../../scripts/root.ts'

const style = readFileSync(join(root, 'web/style.css'), 'utf8')
const [light, dark] = [...style.matchAll(/:root \{([^}]*)\}/g)].map(([, rules]) =>
  new Map([...rules.matchAll(/--([\w-]+): (#[0-9a-f]{6});/g)].map(([, name, colour]) => [name, colour])))

/** Foreground, background and minimum contrast: WCAG 2.2, 1.4.3 and 1.4.11. */
const pairs: Array<[front: string, back: string, minimum: number]> = [
  ...['card', 'raised', 'page'].flatMap(back =>
    ['text', 'muted', 'accent'].map((front): [string, string, number] => [front, back, 4.5])),
  ...['card', 'raised'].flatMap(back =>
    ['success', 'warning', 'error'].map((front): [string, string, number] => [front, back, 4.5])),
  ['accent-text', 'accent', 4.5],
  ['card', 'error', 4.5],
  ['error', 'error-soft', 4.5],
  ['accent', 'accent-soft', 4.5],
  ['page', 'text', 4.5],
  ...['in', 'out', 'edge', 'success', 'warning', 'error'].map((front): [string, string, number] => [front, 'card', 3])
]

for (const [theme, colours] of Object.entries({ light, dark })) {
  t.test(`the ${theme} theme has enough contrast`, async t => {
    for (const [front, back, minimum] of pairs) {
      const found = contrast(colours.get(front)!, colours.get(back)!)
      t.ok(found >= minimum, `${front} on ${back}: ${found.toFixed(2)}, at least ${minimum}`)
    }
  })
}

function contrast (...colours: [string, string]): number {
  const [darker, lighter] = colours.map(luminance).sort((a, b) => a - b)
  return (lighter + 0.05) / (darker + 0.05)
}

function luminance (colour: string): number {
  const [red, green, blue] = colour.match(/[0-9a-f]{2}/g)!
    .map(pair => parseInt(pair, 16) / 255)
    .map(channel => channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4)
  return 0.2126 * red + 0.7152 * green + 0.0722 * blue
}
