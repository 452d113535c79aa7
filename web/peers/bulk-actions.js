// Actions on all selected peers. To disconnect or ban needs a confirmation that states the number of peers.
import { client } from '../base/api.js'
import { bansChanged, openBanDialog } from './bans.js'
import { formatPlural } from '../client/format.js'
import { openCloseDialog } from '../base/dialogs.js'
import { showDone } from '../base/dom.js'

/** Disconnects the selected peers with a code and a reason. */
export function openDisconnectSelected (selection) {
  openCloseDialog(`Disconnect ${selection.text}?`, `Disconnect ${selection.countText}`, async ({ code, reason }) => {
    const body = { ...selection.body, code: Number(code), reason }
    const { requested, notFound, ...missing } = await client.call('disconnectPeers', {}, body)
    clearUnlessPartial(selection, missing)
    showDone(`Disconnecting ${formatPlural(requested, 'peer')} with code ${code}${goneText(notFound)}`, missing)
  })
}

/** Bans the addresses of the selected peers. */
export function openBanSelected (selection) {
  openBanDialog({
    title: `Ban the ${selection.count === 1 ? 'address' : 'addresses'} of ${selection.text}?`,
    verb: `Ban ${selection.countText}`,
    ban: async terms => {
      const { peers, banned, notFound, ...missing } =
        await client.call('banPeers', {}, { ...selection.body, ...terms })
      bansChanged()
      clearUnlessPartial(selection, missing)
      const addresses = formatPlural(banned, 'address', 'addresses')
      showDone(`Banned ${addresses} of ${formatPlural(peers, 'peer')}${goneText(notFound)}`, missing)
    }
  })
}

/** Sends a packet to the selected peers; resolves with the number of recipients, and the nodes that did not respond. */
export async function sendToSelected (selection, packet, raw) {
  let sum = 0
  let missing = {}
  for (const query of selection.queries) {
    const { recipients, ...rest } = await client.call('broadcast', { ...query, raw }, packet)
    sum += recipients
    missing = { ...missing, ...rest }
  }
  clearUnlessPartial(selection, missing)
  return { recipients: sum, ...missing }
}

/** Peers that were not reached stay selected. */
function clearUnlessPartial (selection, { partial }) {
  if (!partial) selection.clear()
}

function goneText (notFound) {
  return notFound.length === 0 ? '' : `; ${formatPlural(notFound.length, 'peer')} had left`
}
