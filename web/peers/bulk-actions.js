// Actions on all selected peers. To disconnect or ban needs a confirmation that states the number of peers.
import { client } from '../base/api.js'
import { openBanDialog } from './bans.js'
import { formatPlural } from '../client/format.js'
import { openCloseDialog } from '../base/dialogs.js'
import { showToast } from '../base/dom.js'

/** Disconnects the selected peers with a code and a reason. */
export function openDisconnectSelected (selection) {
  openCloseDialog(`Disconnect ${selection.text}?`, `Disconnect ${selection.countText}`, async ({ code, reason }) => {
    const body = { ...selection.body, code: Number(code), reason }
    const { requested, notFound } = await client.call('disconnectPeers', {}, body)
    selection.clear()
    showToast(`Disconnecting ${formatPlural(requested, 'peer')} with code ${code}${goneText(notFound)}`)
  })
}

/** Bans the addresses of the selected peers. */
export function openBanSelected (selection) {
  openBanDialog({
    title: `Ban the ${selection.count === 1 ? 'address' : 'addresses'} of ${selection.text}?`,
    verb: `Ban ${selection.countText}`,
    ban: async terms => {
      const { peers, banned, notFound } = await client.call('banPeers', {}, { ...selection.body, ...terms })
      selection.clear()
      const addresses = formatPlural(banned, 'address', 'addresses')
      showToast(`Banned ${addresses} of ${formatPlural(peers, 'peer')}${goneText(notFound)}`)
    }
  })
}

/** Sends a packet to the selected peers; resolves with the number of recipients. */
export async function sendToSelected (selection, packet, raw) {
  let sum = 0
  for (const query of selection.queries) {
    const { recipients } = await client.call('broadcast', { ...query, raw }, packet)
    sum += recipients
  }
  return sum
}

function goneText (notFound) {
  return notFound.length === 0 ? '' : `; ${formatPlural(notFound.length, 'peer')} had left`
}
