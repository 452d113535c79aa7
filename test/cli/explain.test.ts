import t from 'tap'
import { explain } from '../../src/cli/explain.ts'
import { UsageError } from '../../src/cli/command.ts'
import { ApiError } from '../../src/client/client.ts'

const failed = (cause: unknown): Error => new TypeError('fetch failed', { cause })

const cases: Array<[what: string, error: unknown, text: string]> = [
  ['what cannot be asked', new UsageError('no'), 'no\nTry: fastify-peer-server kick --help'],
  ['a service that is not there', failed(new Error('connect ECONNREFUSED 127.0.0.1:9')), 'The service is not there: connect ECONNREFUSED 127.0.0.1:9'],
  ['a service that is at none of its addresses', failed(new AggregateError([new Error('connect ECONNREFUSED ::1:9'), new Error('other')])), 'The service is not there: connect ECONNREFUSED ::1:9'],
  ['a service that is silent', new DOMException('aborted', 'TimeoutError'), 'The service does not answer.'],
  ['the wrong token', new ApiError(401, {}), 'The service wants its ADMIN_TOKEN, and this is not it: give --token, or set ADMIN_TOKEN.'],
  ['a parameter that is refused', new ApiError(400, { code: 'bad-request', errors: [{ pointer: '/query/sort', message: 'must be x' }, { pointer: '/body/ids/0', message: 'must be y' }] }), 'sort must be x\nids/0 must be y'],
  ['a refusal with a reason', new ApiError(404, { code: 'ERR_DOES_NOT_EXIST', detail: 'no peer 7' }), 'no peer 7'],
  ['another web server', new ApiError(404, {}), 'the service answered with 404 (is this the service?)'],
  ['a fault of our own', new Error('oops'), 'oops']
]

for (const [what, error, text] of cases) t.test(`${what} is explained`, async t => { t.equal(explain(error, 'kick'), text) })

t.test('without a command there is the help of all', async t => {
  t.match(explain(new UsageError('dance: no such command'), undefined), /^Try: fastify-peer-server --help$/m)
})
