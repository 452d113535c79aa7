// A client in the page: connects to the endpoint as players do, sends packets and shows what it receives.
import { escapeControls } from '../client/escape-controls.js'
import { describeTarget } from '../client/event-text.js'
import { formatBytes } from '../client/format.js'
import { byteLength, parseHex } from '../base/dialogs.js'
import { byId, clearLines, createElement, createTime, prependLines, setText, showProblem } from '../base/dom.js'
import { codecs } from './relay-codec.js'

/** Maximum number of messages that are shown. */
const MAX_SHOWN = 200
/** Maximum bytes of a message that are shown. */
const MAX_BYTES = 256
const NORMAL = 1000

const targets = {
  all: () => 0,
  server: () => 1,
  one: id => id,
  but: id => -id
}

/** The test client of the page. */
export class TestClient {
  #connectForm = byId('client-connect')
  #sendForm = byId('client-send')
  #list = byId('client-messages')
  #socket
  /** Whether the user has ended the connection, or the attempt to connect. */
  #isCancelled = false
  /** How messages are encoded; undefined: plain. */
  #codec
  /** The id that the server has assigned to this client. */
  #id
  /** The endpoint for which the fields were last filled in, as JSON. */
  #endpoint = ''

  constructor () {
    this.#connectForm.onsubmit = event => {
      event.preventDefault()
      if (this.#socket === undefined) return this.#connect()
      this.#isCancelled = true
      this.#socket.close(NORMAL)
    }
    this.#sendForm.onsubmit = event => {
      event.preventDefault()
      this.#send()
    }
    this.#sendForm.oninput = () => { this.#showFields() }
    byId('client-clear').onclick = () => { this.#clear() }
    this.#showFields()
  }

  /** Fills in the endpoint of the server, unless a connection is open; `state` is that of the server. */
  setEndpoint (url, { gdMpApi, wire, protocols, rooms }) {
    const endpoint = JSON.stringify([url, gdMpApi, wire, protocols, rooms.enabled])
    if (this.#socket !== undefined || endpoint === this.#endpoint) return
    this.#endpoint = endpoint
    const { url: urlField, room, protocol, as } = this.#connectForm.elements
    urlField.value = url
    as.value = gdMpApi ? wire : 'plain'
    protocol.value = protocols[0] ?? ''
    byId('client-protocols').replaceChildren(...protocols.map(value => createElement('option', { value })))
    room.closest('label').hidden = room.disabled = !rooms.enabled
  }

  /** Another server is shown from now on. */
  forgetEndpoint () {
    this.#endpoint = ''
    if (this.#socket === undefined) this.#connectForm.elements.url.value = ''
  }

  #connect () {
    const { url, room, protocol, as } = this.#connectForm.elements
    const problem = byId('client-problem')
    showProblem(problem)
    try {
      const address = new URL(url.value.trim())
      if (!room.disabled && room.value.trim() !== '') {
        address.pathname = `${address.pathname.replace(/\/$/, '')}/${encodeURIComponent(room.value.trim())}`
      }
      const names = protocol.value.split(',').map(name => name.trim()).filter(name => name !== '')
      this.#socket = new WebSocket(address, names)
    } catch (error) {
      return showProblem(problem, error.message)
    }
    this.#isCancelled = false
    this.#codec = codecs[as.value]
    this.#id = undefined
    this.#follow(this.#socket)
  }

  #follow (socket) {
    socket.binaryType = 'arraybuffer'
    this.#showState('connecting', 'unknown')
    let wasOpen = false
    socket.onopen = () => {
      wasOpen = true
      opening.abort()
      const protocol = socket.protocol === '' ? '' : ` with ${socket.protocol}`
      this.#showState(`connected${protocol}`, 'success')
      this.#add('info', 'connected', protocol.trim())
    }
    socket.onmessage = ({ data }) => { this.#receive(data) }
    const opening = new AbortController()
    const end = () => {
      opening.abort()
      this.#socket = undefined
      this.#showState('not connected', 'unknown')
    }
    // The page may connect to the ports that the server had when it was loaded. The socket reports nothing else.
    document.addEventListener('securitypolicyviolation', () => {
      end()
      showProblem(byId('client-problem'), 'The security policy of this page blocks this address. If the port of the ' +
        'server has changed, reload the page.')
    }, { signal: opening.signal })
    socket.onclose = ({ code, reason }) => {
      end()
      const text = `${code}${reason === '' ? '' : ` ${quote(reason)}`}`
      if (wasOpen) return this.#add('info', 'closed', text)
      if (this.#isCancelled) return
      showProblem(byId('client-problem'), 'Connection failed: the server refused the handshake or cannot be reached. ' +
        'Refusals are listed under Events with their reason.')
    }
  }

  #receive (data) {
    if (typeof data === 'string') return this.#add('in', 'text', quote(data), byteLength(data))
    const bytes = new Uint8Array(data)
    const message = this.#codec?.decode(bytes, this.#id)
    if (message === undefined) return this.#add('in', 'binary', describeBytes(bytes), bytes.length)
    const { type, id } = message
    if (type === 'packet') return this.#addPacket('in', message)
    if (type === 'id') {
      this.#id = id
      this.#showState(`connected as peer ${id}`, 'success')
    }
    this.#add('in', type, String(id))
  }

  #addPacket (direction, { source, target, payload, isCall = false }) {
    const to = target === undefined ? '' : ` to ${describeTarget(target)}`
    const from = direction === 'in' ? `from ${source}${to}` : to.trim()
    this.#add(direction, isCall ? 'remote call' : 'packet', `${from}: ${describeBytes(payload)}`, payload.length)
  }

  #send () {
    const { to, id, kind, body } = this.#sendForm.elements
    const problem = byId('client-send-problem')
    try {
      const isText = kind.value === 'text'
      const bytes = isText ? new TextEncoder().encode(body.value) : parseHex(body.value)
      if (this.#codec === undefined) {
        this.#socket.send(isText ? body.value : bytes)
        this.#add('out', isText ? 'text' : 'binary', isText ? quote(body.value) : describeBytes(bytes), bytes.length)
      } else this.#sendPacket(to.value, id.value, bytes)
      showProblem(problem)
    } catch (error) {
      showProblem(problem, error.message)
    }
  }

  #sendPacket (to, idText, payload) {
    if (this.#id === undefined) throw new Error('The server has not assigned an id to this client yet.')
    const id = Number(idText)
    const needsId = to === 'one' || to === 'but'
    if (needsId && (!Number.isInteger(id) || id < 1)) throw new Error('Invalid id: expected an integer of at least 1.')
    const target = targets[to](id)
    for (const message of this.#codec.encode(this.#id, target, payload)) this.#socket.send(message)
    this.#addPacket('out', { target, payload })
  }

  #showState (text, severity) {
    byId('client-state').dataset.state = severity
    setText(byId('client-state'), text)
    const isOpen = this.#socket?.readyState === WebSocket.OPEN
    setText(byId('client-toggle'), this.#socket === undefined ? 'Connect' : 'Disconnect')
    for (const field of this.#connectForm.querySelectorAll('input, select')) {
      const isHidden = field.closest('[hidden]') !== null
      field.disabled = this.#socket !== undefined || isHidden
    }
    byId('client-submit').disabled = !isOpen
    this.#showFields()
  }

  #showFields () {
    const { to, id } = this.#sendForm.elements
    const isOpen = this.#socket !== undefined
    byId('client-to').hidden = isOpen ? this.#codec === undefined : this.#connectForm.elements.as.value === 'plain'
    id.hidden = to.value !== 'one' && to.value !== 'but'
  }

  #add (direction, heading, text, size) {
    const arrow = { in: '←', out: '→', info: '·' }[direction]
    const label = { in: 'received', out: 'sent', info: '' }[direction]
    const line = createElement('li', {},
      createTime(new Date()),
      createElement('span', {},
        createElement('span', { className: 'arrow', ariaHidden: 'true' }, `${arrow} `),
        createElement('span', { className: 'visually-hidden' }, `${label} `),
        createElement('b', {}, heading), ' ', text,
        ...(size === undefined ? [] : [createElement('span', { className: 'detail' }, ` ${formatBytes(size)}`)])))
    line.dataset.direction = direction
    prependLines(this.#list, byId('client-none'), MAX_SHOWN, line)
    byId('client-clear').disabled = false
  }

  #clear () {
    clearLines(this.#list, byId('client-none'))
    byId('client-clear').disabled = true
  }
}

/** Bytes as text if they are printable UTF-8, else in hexadecimal. */
function describeBytes (bytes) {
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(bytes)
    if (!/[\p{Cc}\p{Cf}]/u.test(text)) return quote(text)
  } catch {
    // Not UTF-8.
  }
  const hex = Array.from(bytes.subarray(0, MAX_BYTES), byte => byte.toString(16).padStart(2, '0')).join(' ')
  return bytes.length > MAX_BYTES ? `${hex} …` : hex
}

function quote (text) {
  return escapeControls(JSON.stringify(text.length > MAX_BYTES ? `${text.slice(0, MAX_BYTES)}…` : text))
}
