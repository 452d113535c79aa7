// Dialogs: disconnect a peer, close a room, send a packet, stop the server, drain a node.
import { client } from './api.js'
import { bytesOfHex, formatPlural } from '../client/format.js'
import { isOnline, setOnline } from './connection.js'
import { byId, messageOf, setText, showDone, showProblem, showToast } from './dom.js'

/** Maximum length of a close reason, in bytes of UTF-8. */
const MAX_REASON = 123
/** Seconds until a server that stops has failed to respond, beyond the time that its peers have. */
const STOP_GRACE = 30

const codeMeanings = {
  1000: 'Normal closure; Godot reports it as a clean close.',
  1001: 'The server is going away.',
  1008: 'The client violated a policy.',
  1011: 'Internal server error.',
  1012: 'The server is restarting; clients may reconnect soon. Godot 3 games do not notice this code.',
  1013: 'The server is overloaded; clients should try again later. Godot 3 games do not notice this code.',
  4001: '4000 to 4999 are application codes: your game defines their meaning.'
}
const allowedCodes = 'Allowed: 1000 to 1014 except 1004, 1005, 1006 and 1010; 3000 to 3999 (registered by ' +
  'libraries); 4000 to 4999 (applications).'

const bodyLabels = { text: 'Text', hex: 'Hex bytes', variant: 'Variant as JSON' }
const bodyExamples = {
  text: 'hello',
  hex: '01 ff a0',
  variant: '{"position": {"Vector2": [1.5, 2]}, "score": {"int": 7}}'
}
const variantHint = 'null, true, 1.5, "text", [ ] and { } are written as in JSON; other types as ' +
  '{"Vector2": [x, y]}, {"int": 7}, {"Color": [r, g, b, a]} etc.'

for (const button of document.querySelectorAll('dialog [data-close]')) {
  button.onclick = () => { button.closest('dialog').close() }
}
// The browser restores the focus, unless the element is gone, such as the row of a disconnected peer.
for (const dialog of document.querySelectorAll('dialog')) {
  dialog.addEventListener('close', () => {
    if (document.activeElement === document.body) document.querySelector('#peers tr[tabindex="0"]')?.focus()
  })
}

/** Disconnects a peer with a code and a reason. */
export function openDisconnect (id) {
  openCloseDialog(`Disconnect ${id}`, 'Disconnect', async closing => {
    await client.call('disconnectPeer', { id, ...closing })
    showToast(`Disconnecting ${id} with code ${closing.code}`)
  })
}

/** Closes a room with a code and a reason. */
export function openCloseRoom (room) {
  openCloseDialog(`Close room ${room}`, 'Close', async closing => {
    const { peers, ...missing } = await client.call('closeRoom', { room, ...closing })
    showDone(`Closing room ${room} with ${formatPlural(peers, 'peer')}`, missing)
  })
}

/** Asks for a close code and a reason, and calls `close` with them. */
export function openCloseDialog (title, verb, close) {
  const form = openDialog('disconnect-dialog')
  const { preset, code, reason } = form.elements
  form.reset()
  setText(byId('disconnect-title'), title)
  setText(form.querySelector('.danger'), verb)
  form.oninput = () => {
    const isOther = preset.value === ''
    byId('other-code').hidden = !isOther
    setText(byId('code-meaning'), isOther ? allowedCodes : codeMeanings[preset.value])
    showReasonSize(reason, byId('reason-size'))
  }
  form.oninput()
  onSubmit(form, async () => {
    const number = preset.value === '' ? code.value.trim() : preset.value
    const size = byteLength(reason.value)
    if (size > MAX_REASON) throw new Error(`The reason has ${size} bytes; at most ${MAX_REASON} are allowed.`)
    await close({ code: number, reason: reason.value || undefined })
  })
}

/** Shows the length of a close reason below its field. */
export function showReasonSize (field, hint) {
  setText(hint, `${byteLength(field.value)} of ${MAX_REASON} bytes`)
  hint.classList.toggle('over', byteLength(field.value) > MAX_REASON)
}

/**
 * Sends a packet. `id` is the peer that is preselected; `hasRawPackets`: whether clients can get it as a remote
 * call or as `network_peer_packet` (Godot 3, multiplayer); `selected` are peers that can be chosen together: their
 * `text`, and `send (packet, raw)`, which resolves with the number of recipients and the nodes that did not respond.
 */
export function openSend (id, hasRawPackets, selected) {
  const form = openDialog('send-dialog')
  const { to, id: idField, kind, body, raw } = form.elements
  to.value = selected !== undefined ? 'selected' : id === undefined ? 'all' : 'one'
  byId('to-selected').hidden = selected === undefined
  setText(byId('to-selected-text'), selected?.text ?? '')
  if (id !== undefined) idField.value = id
  form.oninput = () => {
    idField.hidden = to.value === 'all' || to.value === 'selected'
    byId('raw').hidden = !hasRawPackets
    setText(byId('body-label'), bodyLabels[kind.value])
    body.placeholder = bodyExamples[kind.value]
    setText(byId('body-hint'), hintOf(kind.value, body.value))
  }
  form.oninput()
  onSubmit(form, async () => {
    const packet = packetOf(kind.value, body.value)
    const isRaw = raw.checked ? undefined : true
    const { recipients, ...missing } = to.value === 'selected'
      ? await selected.send(packet, isRaw)
      : await sendPacket(to.value, Number(idField.value), packet, isRaw)
    showDone(`Sent to ${formatPlural(recipients, 'peer')}`, missing)
  })
}

/** Sends to `all` peers, to `one`, or to all `but` one; resolves as `send` of `openSend`. */
async function sendPacket (to, id, packet, raw) {
  if (to === 'all') return await client.call('broadcast', { target: 0, raw }, packet)
  if (!Number.isInteger(id) || id < 2) throw new Error('Invalid id: expected an integer of at least 2.')
  if (to === 'but') return await client.call('broadcast', { target: -id, raw }, packet)
  await client.call('putPacket', { id, raw }, packet)
  return { recipients: 1 }
}

/** Stops the server with a reason; peers have `closeTimeout` seconds to answer. `onStopped (state)` is called then. */
export function openStop (closeTimeout, onStopped) {
  const form = openDialog('stop-dialog')
  form.reset()
  onSubmit(form, async () => {
    const reason = form.elements.reason.value
    const timeout = closeTimeout + STOP_GRACE
    onStopped(await client.call('stop', {}, reason === '' ? {} : { reason }, { timeout }))
  })
}

/** Drains a node of the cluster with a reason. */
export function openDrain (node) {
  const form = openDialog('drain-dialog')
  form.reset()
  setText(byId('drain-title'), `Drain ${node}?`)
  onSubmit(form, async () => {
    const reason = form.elements.reason.value
    const { peers } = await client.call('drainNode', { node }, reason === '' ? {} : { reason })
    showToast(`Draining ${node}: ${formatPlural(peers, 'peer')} closing`)
  })
}

/** Opens a dialog; returns its form. */
export function openDialog (id) {
  const dialog = byId(id)
  const form = dialog.querySelector('form')
  showProblem(form.querySelector('.problem'))
  if (!dialog.open) dialog.showModal()
  return form
}

/**
 * Runs `action` on submit, and closes the dialog if it succeeds. The dialog may have been closed and opened for another
 * action before this one ends.
 */
export function onSubmit (form, action) {
  const dialog = form.closest('dialog')
  const problem = form.querySelector('.problem')
  const button = form.querySelector('.buttons button:last-child')
  const enable = () => {
    button.ariaBusy = null
    button.disabled = false
    setOnline(isOnline)
  }
  const submit = async event => {
    event.preventDefault()
    button.ariaBusy = 'true'
    button.disabled = true
    const isShown = () => dialog.open && form.onsubmit === submit
    try {
      await action()
      if (!isShown()) return
      showProblem(problem)
      dialog.close()
    } catch (error) {
      if (isShown()) showProblem(problem, messageOf(error))
      else showToast(messageOf(error))
    } finally {
      if (form.onsubmit === submit) enable()
    }
  }
  form.onsubmit = submit
  enable()
}

/** Bytes of a text in UTF-8. */
export function byteLength (text) {
  return new TextEncoder().encode(text).length
}

/** The packet as a request body. */
function packetOf (kind, text) {
  if (kind === 'variant') return { variant: parseJson(text) }
  return kind === 'text' ? text : parseHex(text)
}

function parseJson (text) {
  try {
    return JSON.parse(text)
  } catch (error) {
    throw new Error(`Invalid JSON: ${error.message}`)
  }
}

/** The bytes of pairs of hex digits. */
export function parseHex (text) {
  const bytes = bytesOfHex(text)
  if (bytes === undefined) throw new Error('Expected pairs of hex digits.')
  return bytes
}

function hintOf (kind, text) {
  if (kind === 'variant') return variantHint
  try {
    return formatPlural(kind === 'hex' ? parseHex(text).length : byteLength(text), 'byte')
  } catch (error) {
    return error.message
  }
}
