// Small helpers: no markup is ever made of text.

/** The element with this id. */
export function byId (id) {
  return document.getElementById(id)
}

/** Makes an element: `make('td', { className: 'number' }, 'text', child)`. */
export function make (name, properties = {}, ...children) {
  const element = Object.assign(document.createElement(name), properties)
  element.append(...children)
  return element
}

/** Changes the text only if it is another one, so that nothing is drawn anew. */
export function setText (element, text) {
  if (element.textContent !== text) element.textContent = text
}

/** Shows a message for some seconds. */
export function note (text) {
  const line = make('p', {}, text)
  byId('notes').append(line)
  setTimeout(() => { line.remove() }, 5000)
}

/** Shows or hides what is wrong. */
export function showProblem (element, text) {
  element.hidden = text === undefined
  setText(element, text ?? '')
}
