// The table of the nodes of the cluster.
import { client } from '../base/api.js'
import { formatCount, formatDuration } from '../client/format.js'
import { byId, createElement, messageOf, setText, showPartial, showProblem } from '../base/dom.js'
import { Rows } from '../base/rows.js'
import { createButton, createCell } from '../base/table.js'

/** Shows the nodes of a cluster, and which one peers and rooms are on; neither without a cluster. */
export class NodeTable {
  #rows
  #request = new AbortController()
  /** Milliseconds that the clock of the server is ahead of the browser's. */
  #clockOffset = 0

  /** `drain (id)` is called when the user wants to drain a node. */
  constructor (drain) {
    const body = byId('nodes').tBodies[0]
    this.#rows = new Rows(body, { keyOf: ({ id }) => id, createRow: node => createRow(node, drain) })
  }

  /** Whether the server is a node of a cluster. */
  get isShown () {
    return !byId('nodes-section').hidden
  }

  /** Sets the current time of the server. */
  setServerTime (time) {
    this.#clockOffset = Date.parse(time) - Date.now()
  }

  /** Loads the nodes and shows them. */
  async refresh () {
    this.#request.abort()
    const { signal } = this.#request = new AbortController()
    try {
      const { items, ...rest } = await client.call('listNodes', undefined, undefined, { signal })
      this.#rows.show(items, Date.now() + this.#clockOffset, this.isShown)
      byId('nodes-section').hidden = items.length === 0
      document.querySelector('main').classList.toggle('one-node', items.length === 0)
      setText(byId('nodes-count'), formatCount(items.length))
      showPartial(byId('nodes-partial'), rest)
      showProblem(byId('nodes-problem'))
    } catch (error) {
      if (signal.aborted) return
      if (error.status === 401) throw error
      showProblem(byId('nodes-problem'), messageOf(error))
    }
  }
}

/** Creates the row of a node: its element, and a function that updates it. */
function createRow ({ id }, drain) {
  const [slot, state, age] = [createCell('number slot'), createCell('state'), createCell('number age')]
  const [peers, homes] = [createCell('number count'), createCell('number homes')]
  const button = createButton('drain', 'Drain', `Drain ${id}`, () => { drain(id) })
  const element = createElement('tr', { tabIndex: -1 },
    createCell('name', id), slot, state, peers, homes, age, createCell('row-actions', button))
  const update = (node, now) => {
    setText(slot, String(node.slot))
    setText(state, node.state)
    state.dataset.state = node.state
    age.title = `since ${node.since}`
    setText(age, formatDuration(Math.max(0, now - Date.parse(node.since)) / 1000))
    setText(peers, node.peers === undefined ? '–' : formatPeers(node.peers))
    setText(homes, node.rooms === undefined ? '–' : formatCount(node.rooms))
    button.disabled = node.state === 'draining' || node.state === 'unreachable'
  }
  return { element, update }
}

function formatPeers ({ open, closing }) {
  return formatCount(open) + (closing === 0 ? '' : `, ${formatCount(closing)} closing`)
}
