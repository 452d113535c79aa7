// DOM helpers; none of them parses text as HTML.

/** The element with this id. */
export function byId (id) {
  return document.getElementById(id)
}

/** Creates an element: `createElement('td', { className: 'number' }, 'text', child)`. */
export function createElement (name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties)
  element.append(...children)
  return element
}

/** Sets the text of an element; does nothing when it is unchanged, so that nothing is repainted. */
export function setText (element, text) {
  if (element.textContent !== text) element.textContent = text
}

/** Shows a message for five seconds. */
export function showToast (text) {
  const toast = createElement('p', {}, text)
  byId('toasts').append(toast)
  setTimeout(() => { toast.remove() }, 5000)
}

/** Shows an error message, or hides it when there is no text. */
export function showProblem (element, text) {
  element.hidden = text === undefined
  setText(element, text ?? '')
}

/** Tells that a list is incomplete, because nodes of the cluster did not answer; hides it when they all did. */
export function showPartial (element, { partial = false, unreachable = [] }) {
  element.hidden = !partial
  const names = unreachable.length === 0 ? 'other nodes' : unreachable.join(', ')
  setText(element, partial ? `Incomplete: no answer from ${names}` : '')
}

/** An error as a message for the user. */
export function messageOf (error) {
  if (error.name === 'TimeoutError') return 'The server did not answer in time.'
  // What browsers say when a request has no response is different in each of them.
  if (error instanceof TypeError && /fetch|network|load/i.test(error.message)) return 'The server cannot be reached.'
  if (error.status === 401) return 'The token is no longer accepted.'
  return error.details?.join('; ') ?? error.message
}
