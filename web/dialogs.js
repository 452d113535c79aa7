// What asks before it acts: the token, disconnecting, sending, stopping.
import { ask, setToken } from './api.js'
import { byId, note, setText, showProblem } from './dom.js'

const MAX_REASON = 123
const RAW = 4

const meanings = {
  1000: 'It has done what it came for; nothing is wrong. A client of Godot counts it as clean.',
  1001: 'The server is going away. Clients may try another one.',
  1008: 'The client broke a rule, and should not come back at once.',
  1011: 'Something went wrong at the server.',
  1012: 'The server starts anew: come back in a moment.',
  1013: 'Too much is going on: come back later.',
  4001: '4000 to 4999 are free: what 4001 means is up to your game.'
}
const otherMeaning = 'Allowed are 1000 to 1014 without 1004, 1005, 1006 and 1010, 3000 to 3999 (registered for libraries) and 4000 to 4999 (yours).'

for (const button of document.querySelectorAll('dialog [data-close]')) button.onclick = () => { button.closest('dialog').close() }
// The focus goes back to where it was; if that has gone meanwhile, as a peer may have, to the first of them.
for (const dialog of document.querySelectorAll('dialog')) {
  dialog.addEventListener('close', () => { if (document.activeElement === document.body) document.querySelector('#peers tr[tabindex="0"]')?.focus() })
}

/** Asks for the token until `check` lets it through. */
export function askToken (check) {
  const { form } = open('token-dialog')
  byId('token-dialog').oncancel = event => { event.preventDefault() }
  onSubmit(form, async () => {
    setToken(form.elements.token.value.trim())
    await check()
    form.reset()
  })
}

/** Asks how to disconnect a peer, and does it. */
export function askDisconnect (id) {
  const { form } = open('disconnect-dialog')
  const { preset, code, reason } = form.elements
  setText(byId('disconnect-title'), `Disconnect ${id}`)
  form.oninput = () => {
    const isOther = preset.value === ''
    byId('own-code').hidden = !isOther
    setText(byId('code-meaning'), isOther ? otherMeaning : meanings[preset.value])
    setText(byId('reason-size'), `${sizeOf(reason.value)} of ${MAX_REASON} bytes`)
    byId('reason-size').classList.toggle('over', sizeOf(reason.value) > MAX_REASON)
  }
  form.oninput()
  onSubmit(form, async () => {
    const number = preset.value === '' ? code.value.trim() : preset.value
    if (sizeOf(reason.value) > MAX_REASON) throw new Error(`The reason has ${sizeOf(reason.value)} bytes, ${MAX_REASON} are allowed`)
    await ask('DELETE', `peers/${id}`, { query: { code: number, reason: reason.value } })
    note(`${id} is being disconnected with ${number}`)
  })
}

/** Asks what to send to whom, and does it; `id`: the peer that it begins with, `takesRaw`: its multiplayer protocol knows raw packets only by a number in front. */
export function askSend (id, takesRaw) {
  const { form } = open('send-dialog')
  const { to, id: idField, kind, body, raw } = form.elements
  to.value = id === undefined ? 'all' : 'one'
  if (id !== undefined) idField.value = id
  form.oninput = () => {
    idField.hidden = to.value === 'all'
    byId('raw').hidden = !takesRaw || kind.value === 'variant'
    setText(byId('body-label'), { text: 'Text', hex: 'Bytes in hex', variant: 'Variant in JSON' }[kind.value])
    body.placeholder = { text: 'hello', hex: '01 ff a0', variant: '{"position": {"Vector2": [1.5, 2]}, "score": {"int": 7}}' }[kind.value]
    setText(byId('body-hint'), hintOf(kind.value, body.value))
  }
  form.oninput()
  onSubmit(form, async () => {
    const packet = packetOf(kind.value, body.value, takesRaw && raw.checked)
    const target = to.value === 'all' ? 0 : Number(idField.value)
    if (!Number.isInteger(target) || (target < 2 && to.value !== 'all')) throw new Error('Ids are whole numbers from 2 on')
    const { recipients = 1 } = to.value === 'one' ? await ask('POST', `peers/${target}/packets`, packet) : await ask('POST', 'packets', { ...packet, query: { target: -target } })
    note(`Sent to ${recipients} ${recipients === 1 ? 'peer' : 'peers'}`)
  })
}

/** Asks whether to stop, and does it. */
export function askStop () {
  const { form } = open('stop-dialog')
  onSubmit(form, async () => {
    const reason = form.elements.reason.value
    await ask('POST', 'server/stop', { json: reason === '' ? {} : { reason } })
  })
}

function open (id) {
  const dialog = byId(id)
  const form = dialog.querySelector('form')
  showProblem(form.querySelector('.problem'))
  if (!dialog.open) dialog.showModal()
  return { form }
}

/** Does it, and closes the dialog only if that went well. */
function onSubmit (form, act) {
  const problem = form.querySelector('.problem')
  const button = form.querySelector('.buttons button:last-child')
  form.onsubmit = async event => {
    event.preventDefault()
    button.disabled = true
    try {
      await act()
      showProblem(problem)
      form.closest('dialog').close()
    } catch (error) {
      showProblem(problem, error.status === 401 ? 'This is not the token.' : error.message)
    } finally {
      button.disabled = false
    }
  }
}

function sizeOf (text) {
  return new TextEncoder().encode(text).length
}

/** The body of a request that sends this. */
function packetOf (kind, text, isRaw) {
  if (kind === 'variant') return { body: checkJson(text), type: 'application/vnd.godot.variant+json' }
  const bytes = kind === 'hex' ? bytesOf(text) : new TextEncoder().encode(text)
  if (isRaw) return { body: Uint8Array.of(RAW, ...bytes), type: 'application/octet-stream' }
  return { body: bytes, type: kind === 'hex' ? 'application/octet-stream' : 'text/plain' }
}

function bytesOf (text) {
  const digits = text.replace(/\s+/g, '')
  if (!/^([0-9a-f]{2})*$/i.test(digits)) throw new Error('These are not pairs of hex digits')
  return Uint8Array.from(digits.match(/../g) ?? [], pair => parseInt(pair, 16))
}

function checkJson (text) {
  JSON.parse(text)
  return text
}

function hintOf (kind, text) {
  if (kind === 'variant') return 'null, true, 1.5, "text", [ ], { } are themselves; other types are {"Vector2": [x, y]}, {"int": 7}, {"Color": [r, g, b, a]} and so on.'
  try {
    const size = kind === 'hex' ? bytesOf(text).length : sizeOf(text)
    return `${size} ${size === 1 ? 'byte' : 'bytes'}`
  } catch (error) {
    return error.message
  }
}
