// Signing in and out.
import { forgetToken, isTokenRemembered, setToken } from '../base/api.js'
import { onSubmit, openDialog } from '../base/dialogs.js'
import { byId, showProblem } from '../base/dom.js'

/** Asks for the token until `start` succeeds with it; `reason` says why it is asked for again. */
export function openSignIn (start, reason) {
  const form = openDialog('token-dialog')
  byId('token-dialog').oncancel = event => { event.preventDefault() }
  const { token, remember } = form.elements
  remember.checked = isTokenRemembered()
  forgetToken()
  showProblem(form.querySelector('.problem'), reason)
  onSubmit(form, async () => {
    setToken(token.value.trim(), remember.checked)
    try {
      await start()
    } catch (error) {
      forgetToken()
      throw error.status === 401 ? new Error('Wrong token.') : error
    }
    byId('sign-out').hidden = false
    token.value = ''
  })
}

byId('sign-out').onclick = () => {
  forgetToken()
  // Removes everything that the page has shown.
  location.reload()
}
