import { describeMode, formatCount, formatDuration, formatEndpoint } from '../../client/format.ts'
import { ApiError, type PeerServerClient } from '../../client/client.ts'
import type { Node, State } from '../../client/operations.ts'
import { defineCommand } from '../command.ts'
import { printResult } from '../print-lines.ts'
import { formatTable } from '../terminal-text.ts'

/** Shows the state of the server. */
export const status = defineCommand('Shows whether the server listens, its peers, and limits that were hit', '', {
  json: { type: 'boolean', description: 'print JSON with all settings' }
}, async ({ client, options: { json }, line: { output } }) => {
  const state = await client.call('getServer')
  const node = json === true ? undefined : await nodeOf(client, state)
  printResult(output, json, state, found => statusLines(found, node))
})

/**
 * The node of a cluster that a state is of; undefined without a cluster, and when the service does not know the node:
 * a load balancer may have sent this request to another one, which considers it lost.
 */
export async function nodeOf (
  client: PeerServerClient, { node }: State, signal?: AbortSignal
): Promise<Node | undefined> {
  if (node === undefined) return undefined
  return await ifFound(client.call('getNode', { node }, undefined, signal === undefined ? {} : { signal }))
}

/** What an operation resolves with; undefined if it rejects with 404. */
export async function ifFound<Result> (call: Promise<Result>): Promise<Result | undefined> {
  return await call.catch((error: unknown) => {
    if (!(error instanceof ApiError && error.status === 404)) throw error
    return undefined
  })
}

/** State of the server, and of its node in a cluster, as lines of name and value. */
export function statusLines (state: State, node: Node | undefined): string[] {
  const { listening, uptime, refuseNewConnections, protocols, peers, rooms, limits: { hits } } = state
  const accepts = listening && !refuseNewConnections && (node === undefined || node.state === 'ready')
  const hit = Object.entries(hits).filter(([, count]) => count > 0).map(([limit, count]) => `${limit} ${count}`)
  const others = [
    peers.closing > 0 ? `${peers.closing} closing` : [], peers.pending > 0 ? `${peers.pending} pending` : []
  ]
  return formatTable(['State', listening ? `listening for ${formatDuration(uptime)}` : 'not listening'], [
    ...(node === undefined ? [] : [['Node', `${node.id}, ${node.state}`]]),
    ['Endpoint', endpointOf(state)],
    ['Mode', describeMode(state) + (protocols.length === 0 ? '' : `, subprotocols ${protocols.join(', ')}`)],
    ['New clients', accepts ? 'accepted' : 'refused'],
    ['Peers', [`${formatCount(peers.open)} open`, ...others.flat()].join(', ')],
    ['Rooms', rooms.enabled ? formatCount(rooms.count) : 'off'],
    ['Limits hit', hit.length === 0 ? 'none' : hit.join(', ')]
  ], ['left', 'left'])
}

function endpointOf ({ listening, mode, path, port, tls, bindIp, rooms }: State): string {
  if (!listening) return 'none'
  if (mode === 'mounted') return `${path} of the service, port ${port}`
  // A listener of the server's own takes any path, unless paths name rooms.
  return `${tls ? 'wss' : 'ws'}://${formatEndpoint(bindIp, port)}${rooms.enabled ? path : ''}`
}
