import { closeFrame, closeOptions } from '../close-options.ts'
import { defineCommand, parseInteger, TIMEOUT, UsageError } from '../command.ts'
import { checkComplete } from '../incomplete.ts'
import { printLines } from '../print-lines.ts'
import { nodeOf, statusLines } from './status.ts'

const switches = ['on', 'off'] as const

/** Refuses new connections, or accepts them again. */
export const refuse = defineCommand('Refuses new connections (on), or accepts them (off); peers stay', '<on|off>', {
}, async ({ client, operands: [choice, ...more], line: { output } }) => {
  if (!switches.some(one => one === choice) || more.length > 0) {
    throw new UsageError(`expected one of ${switches.join(', ')}`)
  }
  const state = await client.call('changeServer', {}, { refuseNewConnections: choice === 'on' })
  printLines(output, [state.refuseNewConnections ? 'refusing new connections' : 'accepting new connections'])
  checkComplete(state)
}, [switches])

/** Starts listening. */
export const listen = defineCommand('Starts listening, by default where the service is configured to', '', {
  port: { type: 'string', placeholder: '<port>', description: 'on a port of its own; 0: any free port' },
  protocols: { type: 'string', placeholder: '<names>', description: 'subprotocols, comma-separated; none if empty' }
}, async ({ client, options: { port, protocols }, line: { output } }) => {
  const state = await client.call('listen', {}, {
    ...(port === undefined ? {} : { port: parseInteger('--port', port, 0, 65535) }),
    ...(protocols === undefined ? {} : { protocols: namesIn(protocols) })
  })
  printLines(output, statusLines(state, await nodeOf(client, state)))
})

/** Stops listening and closes every peer. */
export const stop = defineCommand('Stops listening and closes every peer; the service keeps running', '', {
  ...closeOptions('STOP_CODE of the service, 1001')
}, async ({ client, options, line: { output } }) => {
  const { settings: { closeTimeout } } = await client.call('getServer')
  await client.call('stop', {}, closeFrame(options), { timeout: closeTimeout + TIMEOUT })
  printLines(output, ['stopped'])
})

function namesIn (list: string): string[] {
  return list.split(',').map(name => name.trim()).filter(name => name !== '')
}
