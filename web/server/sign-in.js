// Signing in and out.
import { forgetToken, isTokenRemembered, setToken } from '../base/api.js'
import { onSubmit, openDialog } from '../base/dialogs.js'
import { byId, showProblem } from '../base/dom.js'

/** Characters that no header can have, such as invisible ones that were copied together with a token. */
const unsendable = /[^\x20-\x7e\x80-\xff]/

/** Asks for the token until `start` succeeds with it; `reason` says why it is asked for again. */
export function openSignIn (start, reason) {
  const form = openDialog('token-dialog')
  const dialog = form.closest('dialog')
  let isSignedIn = false
  // In browsers that do not know the attribute `closedby`, the Escape key closes it.
  dialog.onclose = () => { if (!isSignedIn) dialog.showModal() }
  const { token, remember } = form.elements
  remember.checked = isTokenRemembered()
  forgetToken()
  showProblem(form.querySelector('.problem'), reason)
  onSubmit(form, async () => {
    const text = token.value.trim()
    if (unsendable.test(text)) throw new Error('The token contains an invalid character.')
    setToken(text, remember.checked)
    try {
      await start()
    } catch (error) {
      forgetToken()
      throw error.status === 401 ? new Error('Wrong token.') : error
    }
    isSignedIn = true
    byId('sign-out').hidden = false
    token.value = ''
  })
}

byId('sign-out').onclick = () => {
  forgetToken()
  // Removes everything that the page has shown.
  location.reload()
}
