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

/** An error as a message for the user. */
export function messageOf (error) {
  return error.details?.join('; ') ?? error.message
}
