// The table of rooms.
import { client } from '../base/api.js'
import { formatAge, formatCount } from '../client/format.js'
import { createElement, setText } from '../base/dom.js'
import { createButton, createCell, PagedTable } from '../base/table.js'

/** Shows rooms; `actions` are `show (name)`, `change (name)`, `setLocked (name, isLocked)` and `close (name)`. */
export function createRoomTable (actions) {
  return new PagedTable({
    ids: {
      table: 'rooms',
      filter: 'room-filter',
      pages: 'room-pages',
      problem: 'rooms-problem',
      partial: 'rooms-partial',
      none: 'rooms-none'
    },
    sort: 'peers',
    order: 'desc',
    ageSort: 'openedAt',
    keyOf: ({ name }) => name,
    load: async (query, { q }, signal) => await client.call('listRooms', { ...query, q }, undefined, { signal }),
    createRow: room => createRow(room, actions),
    isComplete: () => true,
    noneText: () => 'No rooms match this filter.'
  })
}

/** Creates the row of a room: its element, and a function that updates it. */
function createRow ({ name }, actions) {
  const [peers, state] = [createCell('number count'), createCell('state')]
  const [nodeCell, age] = [createCell('node'), createCell('number age')]
  const lock = createButton('lock', '', '', () => { actions.setLocked(name, lock.dataset.state !== 'locked') })
  const element = createElement('tr', { tabIndex: -1 },
    createCell('name', createButton('show', name, `Show the peers of ${name}`, () => { actions.show(name) })),
    peers,
    state,
    nodeCell,
    age,
    createCell('row-actions',
      createButton('change', 'Change', `Change ${name}`, () => { actions.change(name) }),
      lock,
      createButton('close', 'Close', `Close ${name}`, () => { actions.close(name) })))
  const update = ({ peers: count, maxPeers, locked, listed, openedAt, node = '–' }, now) => {
    setText(peers, formatCount(count) + (maxPeers === 0 ? '' : ` / ${formatCount(maxPeers)}`))
    setText(state, [locked ? 'locked' : 'open', listed ? 'listed' : 'unlisted'].join(', '))
    nodeCell.title = node
    setText(nodeCell, node)
    setText(age, formatAge(openedAt, now))
    lock.dataset.state = locked ? 'locked' : 'open'
    lock.ariaLabel = `${locked ? 'Unlock' : 'Lock'} ${name}`
    setText(lock, locked ? 'Unlock' : 'Lock')
  }
  return { element, update }
}
