// The table of the nodes of the cluster.
import { client } from '../base/api.js'
import { formatAge, formatCount } from '../client/format.js'
import { byId, createElement, formatDate, messageOf, setText, showPartial, showProblem } from '../base/dom.js'
import { Rows } from '../base/rows.js'
import { serverNow } from '../base/server-clock.js'
import { createButton, createCell } from '../base/table.js'

/** Shows the nodes of a cluster; without one, the page has no list of nodes and no column "Node" either. */
export class NodeTable {
  #rows
  /** State of each node by its id, as it is shown. */
  #states = new Map()
  #request = new AbortController()

  /** `drain (id)` is called when the user wants to drain a node. */
  constructor (drain) {
    const body = byId('nodes').tBodies[0]
    this.#rows = new Rows(body, { keyOf: ({ id }) => id, createRow: node => createRow(node, drain) })
  }

  /** Whether the server is a node of a cluster. */
  get isShown () {
    return !byId('nodes-section').hidden
  }

  /** State of a node; undefined while it is not known. */
  stateOf (id) {
    return this.#states.get(id)
  }

  /** Removes all nodes, which are those of another server. */
  reset () {
    this.#request.abort()
    this.#show([], {})
  }

  /** Loads the nodes and shows them. */
  async refresh () {
    this.#request.abort()
    const { signal } = this.#request = new AbortController()
    try {
      const { items, ...rest } = await client.call('listNodes', undefined, undefined, { signal })
      this.#show(items, rest)
    } catch (error) {
      if (signal.aborted) return
      showProblem(byId('nodes-problem'), messageOf(error))
    }
  }

  #show (items, missing) {
    this.#states = new Map(items.map(({ id, state }) => [id, state]))
    this.#rows.show(items, serverNow(), this.isShown)
    byId('nodes-section').hidden = items.length === 0
    document.querySelector('main').classList.toggle('one-node', items.length === 0)
    setText(byId('nodes-count'), formatCount(items.length))
    showPartial(byId('nodes-partial'), missing)
    showProblem(byId('nodes-problem'))
  }
}

/** Creates the row of a node: its element, and a function that updates it. */
function createRow ({ id }, drain) {
  const [slot, state, age] = [createCell('number slot'), createCell('state'), createCell('number age')]
  const [peers, rooms] = [createCell('number count'), createCell('number rooms-count')]
  const button = createButton('drain', 'Drain', `Drain ${id}`, () => { drain(id) })
  const element = createElement('tr', { tabIndex: -1 },
    createCell('name', id), slot, state, peers, rooms, age, createCell('row-actions', button))
  const update = (node, now) => {
    setText(slot, String(node.slot))
    setText(state, node.state)
    state.dataset.state = node.state
    age.title = `since ${formatDate(new Date(node.since))}`
    setText(age, formatAge(node.since, now))
    setText(peers, node.peers === undefined ? '–' : formatPeers(node.peers))
    setText(rooms, node.rooms === undefined ? '–' : formatCount(node.rooms))
    button.disabled = node.state === 'draining' || node.state === 'unreachable'
  }
  return { element, update }
}

function formatPeers ({ open, closing }) {
  return formatCount(open) + (closing === 0 ? '' : `, ${formatCount(closing)} closing`)
}
