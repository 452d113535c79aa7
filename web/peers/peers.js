// The table of peers.
import { client } from '../base/api.js'
import { formatAge, formatBytes, formatCompact } from '../client/format.js'
import { createElement, setText } from '../base/dom.js'
import { createButton, createCell, PagedTable } from '../base/table.js'

/** Buffered bytes from which the buffer of a peer is highlighted. */
const HIGH_BUFFER = 32 * 1024

/**
 * Shows peers, and which of them are selected; `actions` are `show (id)`, `send (id)`, `disconnect (id)` and
 * `ban (address)`.
 */
export function createPeerTable (selection, actions) {
  return new PagedTable({
    ids: {
      table: 'peers',
      filter: 'filter',
      pages: 'pages',
      problem: 'peers-problem',
      partial: 'peers-partial',
      none: 'peers-none'
    },
    sort: 'connectedAt',
    order: 'desc',
    ageSort: 'connectedAt',
    keyOf: ({ id }) => id,
    load: loadPeers,
    createRow: peer => createRow(peer, selection, actions),
    onShow: total => { selection.setTotal(total) },
    onFilter: () => {
      if (selection.isOfFilter) selection.clear()
      selection.setTotal(0)
    },
    sole: 'id',
    isComplete: ({ address = '' }) => /^((\d{1,3}\.){3}\d{1,3}(\/\d{1,2})?)?$/.test(address),
    noneText: (isFiltered, hint) => isFiltered ? 'No peers match this filter.' : `No peers connected. ${hint}`
  })
}

async function loadPeers (query, { id, ...filter }, signal) {
  if (id !== undefined) return await loadPeer(id, signal)
  return await client.call('peers', { ...query, ...filter }, undefined, { signal })
}

async function loadPeer (id, signal) {
  try {
    const peer = await client.call('getPeer', { id }, undefined, { signal })
    return { items: [peer], nextCursor: null, meta: { count: 1 } }
  } catch (error) {
    if (error.status !== 404) throw error
    return { items: [], nextCursor: null, meta: { count: 0 } }
  }
}

/** Creates the row of a peer: its element, and a function that updates it. */
function createRow ({ id, address, port, protocol, node = '' }, selection, actions) {
  const span = (className, text = '') => createElement('span', { className }, text)
  const [room, age, buffer] = [createCell('room'), createCell('number age'), createCell('number buffer')]
  const [bytesIn, packetsIn] = [span(''), span('sub packets')]
  const [bytesOut, packetsOut] = [span(''), span('sub packets')]
  const host = Object.assign(span('host', address), { title: address })
  const box = createElement('input', { type: 'checkbox', tabIndex: -1, ariaLabel: `Select ${id}` })
  const element = createElement('tr', { tabIndex: -1 },
    createCell('select', box),
    createCell('id', createButton('show', String(id), `Details of ${id}`, () => { actions.show(id) })),
    createCell('address', host, span('sub', `:${port}`)),
    room,
    Object.assign(createCell('node', node), { title: node }),
    Object.assign(createCell('protocol', protocol), { title: protocol }),
    age,
    createCell('number in', bytesIn, ' ', packetsIn),
    createCell('number out', bytesOut, ' ', packetsOut),
    buffer,
    createCell('row-actions',
      createButton('send', 'Send', `Send a packet to ${id}`, () => { actions.send(id) }),
      createButton('disconnect', 'Disconnect', `Disconnect ${id}`, () => { actions.disconnect(id) }),
      createButton('ban', 'Ban', `Ban the address of ${id}`, () => { actions.ban(address) })))
  const update = (peer, now) => {
    element.dataset.state = peer.state
    box.checked = selection.has(id)
    room.title = peer.room
    setText(room, peer.room)
    setText(age, formatAge(peer.connectedAt, now))
    setText(bytesIn, formatBytes(peer.bytesIn))
    setText(packetsIn, formatCompact(peer.packetsIn))
    setText(bytesOut, formatBytes(peer.bytesOut))
    setText(packetsOut, formatCompact(peer.packetsOut))
    setText(buffer, peer.bufferedAmount === 0 ? '–' : formatBytes(peer.bufferedAmount))
    buffer.classList.toggle('empty', peer.bufferedAmount === 0)
    buffer.classList.toggle('full', peer.bufferedAmount > HIGH_BUFFER)
  }
  return { element, update }
}
