// DOM helpers; none of them parses text as HTML.
import { formatMissingNodes, formatTime } from '../client/format.js'

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

/** Creates the time of an event: that of the day, with the date if it is another day, and all of it as a tooltip. */
export function createTime (date) {
  const isToday = date.toDateString() === new Date().toDateString()
  const text = isToday ? formatTime(date) : `${formatDay(date)} ${formatTime(date)}`
  return createElement('time', { dateTime: date.toISOString(), title: formatDate(date) }, text)
}

/** A date and its time as text. */
export function formatDate (date) {
  return date.toLocaleString('en-GB')
}

function formatDay (date) {
  return date.toLocaleDateString('en-GB', { day: 'numeric', month: 'short' })
}

/** The heading of the list that a table is in; it can have the focus. */
export function headingOf (table) {
  return table.closest('section').querySelector('h2')
}

/** Makes a change that may hide or disable the control that has the focus: then `fallback` gets it. */
export function keepFocus (fallback, change) {
  const { activeElement } = document
  const canHaveFocus = () => !activeElement.matches(':disabled') && activeElement.checkVisibility()
  const hadFocus = canHaveFocus()
  change()
  if (hadFocus && !canHaveFocus()) fallback.focus()
}

/** Adds lines at the top of a list, which keeps `max` of them and takes the place of its placeholder. */
export function prependLines (list, placeholder, max, ...lines) {
  list.prepend(...lines)
  while (list.childElementCount > max) list.lastElementChild.remove()
  showLines(list, placeholder)
}

/** Removes all lines of a list; its placeholder is shown. */
export function clearLines (list, placeholder) {
  list.replaceChildren()
  showLines(list, placeholder)
}

function showLines (list, placeholder) {
  list.hidden = list.childElementCount === 0
  placeholder.hidden = !list.hidden
}

/** Shows a message for five seconds. */
export function showToast (text) {
  const toast = createElement('p', {}, text)
  currentToasts().append(toast)
  setTimeout(() => { toast.remove() }, 5000)
}

// What is outside of an open dialog is behind its backdrop, and screen readers do not announce it. So each has a place
// for messages, and leaves them to what is below it when it closes.
for (const dialog of document.querySelectorAll('dialog')) {
  const toasts = createElement('div', { className: 'toasts', role: 'status' })
  dialog.append(toasts)
  dialog.addEventListener('close', () => { currentToasts().append(...toasts.children) })
}

/** Where messages are shown: in the dialog above all others, or in the page. */
function currentToasts () {
  const top = [...document.querySelectorAll('dialog[open]')].at(-1) ?? document.body
  return top.querySelector(':scope > .toasts')
}

/** Shows what was done, and which nodes of the cluster did not respond. */
export function showDone (text, response = {}) {
  const problem = formatMissingNodes(response)
  showToast(problem === undefined ? text : `${text}. ${problem}`)
}

/** Shows an error message, or hides it when there is no text. */
export function showProblem (element, text) {
  element.hidden = text === undefined
  setText(element, text ?? '')
}

/** Notes that a list is incomplete because nodes of the cluster did not respond; hides the note when all did. */
export function showPartial (element, response) {
  showProblem(element, formatMissingNodes(response))
}

/** An error as a message for the user. */
export function messageOf (error) {
  if (error.name === 'TimeoutError') return 'The server did not respond in time.'
  // A request without a response: each browser has its own message for it.
  if (error instanceof TypeError && /fetch|network|load/i.test(error.message)) return 'The server cannot be reached.'
  if (error.status === 401) return 'The token is no longer valid.'
  return error.details?.join('; ') ?? error.message
}
