import t from 'tap'
import { describeError } from '../../src/cli/describe-error.ts'
import { UsageError } from '../../src/cli/command.ts'
import { ApiError } from '../../src/client/client.ts'

const fetchError = (cause: unknown): Error => new TypeError('fetch failed', { cause })
const refused = new Error('connect ECONNREFUSED ::1:9')
const invalid = new ApiError(400, {
  code: 'bad-request',
  errors: [{ pointer: '/query/sort', message: 'must be x' }, { pointer: '/body/ids/0', message: 'must be y' }]
})

const cases: Array<[name: string, error: unknown, lines: string[]]> = [
  ['invalid command line', new UsageError('no'), ['no', 'Try: fastify-peer-server kick --help']],
  ['connection refused', fetchError(refused), ['Cannot reach the service: connect ECONNREFUSED ::1:9']],
  ['connection refused at every address', fetchError(new AggregateError([refused, new Error('other')])),
    ['Cannot reach the service: connect ECONNREFUSED ::1:9']],
  ['timeout', new DOMException('aborted', 'TimeoutError'), ['The service did not respond in time.']],
  ['wrong token', new ApiError(401, {}),
    ['Unauthorized: wrong or missing admin token. Use --token or set ADMIN_TOKEN.']],
  ['invalid parameters', invalid, ['sort must be x', 'ids/0 must be y']],
  ['error of the service', new ApiError(404, { code: 'ERR_DOES_NOT_EXIST', detail: 'peer 7 does not exist' }),
    ['peer 7 does not exist']],
  ['error of another web server', new ApiError(404, {}), ['the service responded with 404; is the URL correct?']],
  ['any other error', new Error('oops'), ['oops']]
]

for (const [name, error, lines] of cases) t.test(name, async t => { t.same(describeError(error, 'kick'), lines) })

t.test('an unknown command refers to the general help', async t => {
  const lines = describeError(new UsageError('unknown command x'), undefined)
  t.same(lines, ['unknown command x', 'Try: fastify-peer-server --help'])
})
