// Whether the server is reachable. Controls that need it are disabled while it is not.

/** These fieldsets hold the controls outside dialogs that need the server. */
const controls = document.querySelectorAll('fieldset.online')
/** The buttons that submit dialogs. */
const submits = document.querySelectorAll('dialog:not(#token-dialog) form .buttons button:last-child')

/** The keyboard scrolls these regions by the controls in them; while those are disabled, they take the focus. */
const regions = document.querySelectorAll('.lists .scroll')

/** Whether the server is reachable. */
export let isOnline = false
/** The control that had the focus when it was disabled. */
let focused

/** Enables the controls that need the server, but not the button of an action that is running, or disables them. */
export function setOnline (online) {
  if (isOnline && !online) focused = document.activeElement
  isOnline = online
  for (const element of controls) element.disabled = !online
  for (const button of submits) button.disabled = !online || button.ariaBusy === 'true'
  for (const region of regions) {
    if (online) region.removeAttribute('tabindex')
    else region.tabIndex = 0
  }
  if (online && document.activeElement === document.body) focused?.focus()
  if (online) focused = undefined
}
