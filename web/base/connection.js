// Whether the server can be reached. What needs the server is disabled while it cannot.

/** Controls outside of dialogs that need the server; they are in these fieldsets. */
const controls = document.querySelectorAll('fieldset.online')
/** The buttons that submit dialogs. */
const submits = document.querySelectorAll('dialog:not(#token-dialog) form .buttons button:last-child')

/** Regions that the keyboard scrolls by a control in them, or while all are disabled by themselves. */
const regions = document.querySelectorAll('.lists .scroll')

/** Whether the server can be reached. */
export let isOnline = false
/** The control that had the focus when it was disabled. */
let focused

/** Enables the controls that need the server, or disables them. */
export function setOnline (online) {
  if (isOnline && !online) focused = document.activeElement
  isOnline = online
  for (const element of [...controls, ...submits]) element.disabled = !online
  for (const region of regions) {
    if (online) region.removeAttribute('tabindex')
    else region.tabIndex = 0
  }
  if (online && document.activeElement === document.body) focused?.focus()
  if (online) focused = undefined
}
