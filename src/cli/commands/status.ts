import { describeMode, formatCount, formatDuration, formatEndpoint } from '../../client/format.ts'
import type { State } from '../../client/operations.ts'
import { defineCommand } from '../command.ts'
import { printResult } from '../print-lines.ts'
import { formatTable } from '../terminal-text.ts'

/** Shows the state of the server. */
export const status = defineCommand('Shows whether the server listens, its peers, and limits that were hit', '', {
  json: { type: 'boolean', description: 'print JSON with all settings' }
}, async ({ client, options: { json }, line: { output } }) => {
  const state = await client.call('getServer')
  printResult(output, json, state, statusLines)
})

/** State of the server as lines of name and value. */
export function statusLines (state: State): string[] {
  const { listening, uptime, refuseNewConnections, protocols, peers, rooms, limits: { hits } } = state
  const hit = Object.entries(hits).filter(([, count]) => count > 0).map(([limit, count]) => `${limit} ${count}`)
  const others = [
    peers.closing > 0 ? `${peers.closing} closing` : [], peers.pending > 0 ? `${peers.pending} pending` : []
  ]
  return formatTable(['State', listening ? `listening for ${formatDuration(uptime)}` : 'not listening'], [
    ['Endpoint', endpointOf(state)],
    ['Mode', describeMode(state) + (protocols.length === 0 ? '' : `, subprotocols ${protocols.join(', ')}`)],
    ['New clients', refuseNewConnections ? 'refused' : 'accepted'],
    ['Peers', [`${formatCount(peers.open)} open`, ...others.flat()].join(', ')],
    ['Rooms', rooms.enabled ? formatCount(rooms.count) : 'off'],
    ['Limits hit', hit.length === 0 ? 'none' : hit.join(', ')]
  ], ['left', 'left'])
}

function endpointOf ({ mode, path, port, tls, bindIp, rooms }: State): string {
  if (mode === 'mounted') return `${path} of the service, port ${port}`
  // A listener of the server's own takes any path, unless paths name rooms.
  return `${tls ? 'wss' : 'ws'}://${formatEndpoint(bindIp, port)}${rooms.enabled ? path : ''}`
}
