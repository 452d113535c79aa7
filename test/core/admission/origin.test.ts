import t from 'tap'
import { isOriginAllowed } from '../../../src/core/admission/origin.ts'
import type { AllowedOrigins } from '../../../src/core/admission/origin.ts'

const rows: Array<[origin: string | undefined, host: string | undefined, allowed: AllowedOrigins, isAllowed: boolean]> =
  [
    [undefined, 'game.example', undefined, true],
    [undefined, 'game.example', [], true],
    ['https://game.example', 'game.example', undefined, true],
    ['https://game.example:8443', 'game.example:9080', undefined, true],
    ['https://GAME.example', 'game.EXAMPLE', undefined, true],
    ['http://[::1]:3000', '[::1]:9080', undefined, true],
    ['https://evil.example', 'game.example', undefined, false],
    ['https://game.example.evil.example', 'game.example', undefined, false],
    ['https://game.example', undefined, undefined, false],
    ['null', 'game.example', undefined, false],
    ['', '', undefined, false],
    ['nonsense', 'game.example', undefined, false],
    ['https://game.example,https://evil.example', 'game.example', undefined, false],
    ['https://evil.example', 'game.example', '*', true],
    ['https://evil.example', 'game.example', ['*'], true],
    ['https://game.example', 'game.example', [], false],
    ['https://a.example', 'game.example', ['https://a.example', 'https://b.example'], true],
    ['HTTPS://A.example', 'game.example', ['https://a.EXAMPLE'], true],
    ['http://a.example', 'game.example', ['https://a.example'], false],
    ['https://a.example:444', 'game.example', ['https://a.example'], false],
    ['https://game.example', 'game.example', ['https://a.example'], false],
    ['null', 'game.example', ['null'], true],
    ['https://a.example', 'game.example', ['https://a.example:443'], true],
    ['http://a.example:80', 'game.example', ['http://a.example'], true],
    ['https://a.example:80', 'game.example', ['https://a.example'], false],
    ['https://html-classic.itch.zone', 'game.example', ['https://*.itch.zone'], true],
    ['https://HTML.itch.zone', 'game.example', ['https://*.ITCH.zone'], true],
    ['https://itch.zone', 'game.example', ['https://*.itch.zone'], false],
    ['https://a.b.itch.zone', 'game.example', ['https://*.itch.zone'], false],
    ['https://.itch.zone', 'game.example', ['https://*.itch.zone'], false],
    ['https://evilitch.zone', 'game.example', ['https://*.itch.zone'], false],
    ['https://a.itch.zone.evil.example', 'game.example', ['https://*.itch.zone'], false],
    ['http://a.itch.zone', 'game.example', ['https://*.itch.zone'], false],
    ['https://a.itch.zone:8443', 'game.example', ['https://*.itch.zone'], false],
    ['https://a.itch.zone:8443', 'game.example', ['https://*.itch.zone:8443'], true],
    ['https://evil.example/.itch.zone', 'game.example', ['https://*.itch.zone'], false]
  ]

for (const [origin, host, allowed, isAllowed] of rows) {
  t.test(`a page of ${origin} ${isAllowed
    ? 'may'
    : 'may not'} connect to ${host} with allowedOrigins ${JSON.stringify(allowed)}`, async t => {
    t.equal(isOriginAllowed(origin, host, allowed), isAllowed)
  })
}
