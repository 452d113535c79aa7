// The dialog that opens a room or changes one.
import { client } from '../base/api.js'
import { onSubmit, openDialog } from '../base/dialogs.js'
import { byId, setText, showToast } from '../base/dom.js'

/** How often the settings of a room were loaded. */
let requests = 0

/** Opens a room; `onDone` is called afterwards. */
export function openNewRoom (onDone) {
  openRoomDialog('Open a room', 'Open', undefined, async ({ name, ...settings }) => {
    const room = await client.call('openRoom', {}, { ...(name === '' ? {} : { name }), ...settings })
    showToast(`Opened room ${room.name}`)
    onDone()
  })
}

/** Changes the settings of a room; `onDone` is called afterwards. */
export async function openChangeRoom (name, onDone) {
  const [asked, request] = [client, ++requests]
  const room = await client.call('getRoom', { room: name })
  // The user has gone on to something else.
  if (client !== asked || request !== requests || document.querySelector('dialog[open]') !== null) return
  openRoomDialog(`Change room ${name}`, 'Change', room, async ({ name: _, ...settings }) => {
    await client.call('updateRoom', { room: name }, settings)
    showToast(`Changed room ${name}`)
    onDone()
  })
}

/** Fills the dialog with the settings of `room`; undefined: a new room. */
function openRoomDialog (title, verb, room, save) {
  const form = openDialog('room-dialog')
  const { name, maxPeers, emptyTimeout, listed, locked, data } = form.elements
  form.reset()
  setText(byId('room-title'), title)
  setText(form.querySelector('.primary'), verb)
  name.closest('label').hidden = room !== undefined
  maxPeers.placeholder = room === undefined ? 'server default; 0: no limit' : '0: no limit'
  emptyTimeout.placeholder = room === undefined ? 'server default' : ''
  if (room !== undefined) {
    maxPeers.value = room.maxPeers
    emptyTimeout.value = room.emptyTimeout
    listed.checked = room.listed
    locked.checked = room.locked
    data.value = Object.keys(room.data).length === 0 ? '' : JSON.stringify(room.data, null, 2)
  }
  const fields = [maxPeers, emptyTimeout, listed, locked, data]
  const before = fields.map(valueOf)
  onSubmit(form, async () => {
    // Others may have changed the room since: only what differs from the room as it was shown is set.
    const changed = fields.filter((field, i) => room === undefined || valueOf(field) !== before[i])
    await save({ name: name.value.trim(), ...Object.assign({}, ...changed.map(field => settingOf(field, room))) })
  })
}

function valueOf ({ type, checked, value }) {
  return type === 'checkbox' ? checked : value
}

/** A field as a member of the request body: an empty one of a new room is left out, so that the default applies. */
function settingOf (field, room) {
  const { name, type, checked, value } = field
  if (type === 'checkbox') return { [name]: checked }
  if (value.trim() === '') {
    if (room === undefined) return {}
    if (name === 'data') return { data: {} }
    throw new Error(`${field.closest('label').textContent.trim()}: expected a number.`)
  }
  return { [name]: name === 'data' ? parseData(value) : Number(value) }
}

function parseData (text) {
  try {
    return JSON.parse(text)
  } catch {
    throw new Error('Invalid data: expected a JSON object such as {"map": "desert"}.')
  }
}
