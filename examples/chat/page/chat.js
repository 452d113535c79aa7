const [enter, say] = document.forms
const list = document.querySelector('ul')
const status = document.querySelector('output')

/** Milliseconds until the first and before the last attempts to connect again. */
const [SOON, LATER] = [250, 4000]

let socket

enter.onsubmit = event => {
  event.preventDefault()
  connect(enter.elements.name.value)
}

say.onsubmit = event => {
  event.preventDefault()
  socket.send(say.elements.text.value)
  say.reset()
}

function connect (name, delay = SOON) {
  const url = new URL(`chat?name=${encodeURIComponent(name)}`, location.href)
  url.protocol = url.protocol.replace('http', 'ws')
  socket = new WebSocket(url, 'chat')
  socket.onopen = () => {
    delay = SOON
    // The server sends the last messages again.
    list.replaceChildren()
    show('')
  }
  socket.onmessage = ({ data }) => { add(JSON.parse(data)) }
  socket.onclose = ({ reason }) => {
    show(`Connection lost, retrying. ${reason}`)
    setTimeout(connect, delay, name, Math.min(delay * 2, LATER))
  }
}

/** Without a problem one can write; nobody enters twice. */
function show (problem) {
  status.value = problem
  enter.hidden = true
  say.hidden = problem !== ''
}

function add ({ joined, left, from, text }) {
  const item = document.createElement('li')
  // Not innerHTML: what others write is text.
  if (from !== undefined) item.textContent = `${from}: ${text}`
  else item.textContent = joined === undefined ? `${left} has left` : `${joined} is here`
  list.prepend(item)
}
