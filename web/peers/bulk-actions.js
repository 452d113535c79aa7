// Actions on all selected peers. To disconnect or ban needs a confirmation that states the number of peers.
import { client } from '../base/api.js'
import { bansChanged, openBanDialog } from './bans.js'
import { formatPlural } from '../client/format.js'
import { openCloseDialog } from '../base/dialogs.js'
import { messageOf, showDone } from '../base/dom.js'

/** Maximum number of ids in one query: by default nginx rejects a request line of more than 8 KiB. */
const MAX_IDS = 500

/** Disconnects the selected peers with a code and a reason. */
export function openDisconnectSelected (selection) {
  const { text, countText, body, deselect } = selection.snapshot()
  openCloseDialog(`Disconnect ${text}?`, `Disconnect ${countText}`, async ({ code, reason }) => {
    const { requested, notFound, ...missing } =
      await client.call('disconnectPeers', {}, { ...body, code: Number(code), reason })
    // Peers that were not reached stay selected.
    if (!missing.partial) deselect()
    showDone(`Disconnecting ${formatPlural(requested, 'peer')} with code ${code}${goneText(notFound)}`, missing)
  })
}

/** Bans the addresses of the selected peers. */
export function openBanSelected (selection) {
  const { count, text, countText, body, deselect } = selection.snapshot()
  openBanDialog({
    title: `Ban the ${count === 1 ? 'address' : 'addresses'} of ${text}?`,
    verb: `Ban ${countText}`,
    ban: async terms => {
      const { peers, banned, notFound, ...missing } = await client.call('banPeers', {}, { ...body, ...terms })
      bansChanged()
      if (!missing.partial) deselect()
      const addresses = formatPlural(banned, 'address', 'addresses')
      showDone(`Banned ${addresses} of ${formatPlural(peers, 'peer')}${goneText(notFound)}`, missing)
    }
  })
}

/**
 * The selected peers as recipients: their `text`, and `send (packet, raw)`, which resolves with the number of
 * recipients, and the nodes that did not respond. When it is called again after an error, it sends to the rest.
 */
export function selectedRecipients (selection) {
  const { text, body, deselect } = selection.snapshot()
  const parts = partsOf(body)
  let sum = 0
  let missing = {}
  const send = async (packet, raw) => {
    while (parts.length > 0) {
      const call = client.call('broadcast', { ...queryOf(parts[0]), raw }, packet)
      const { recipients, ...rest } = await call.catch(error => {
        if (sum === 0) throw error
        throw new Error(`Sent to ${formatPlural(sum, 'peer')}, not to the rest: ${messageOf(error)}`)
      })
      const { ids } = parts.shift()
      if (!rest.partial) deselect(ids)
      sum += recipients
      missing = { ...missing, ...rest }
    }
    return { recipients: sum, ...missing }
  }
  return { text, send }
}

/** Parts of a selection, one request for each reaches all of its peers. */
function partsOf (body) {
  if (body.ids === undefined) return [body]
  const starts = Array.from({ length: Math.ceil(body.ids.length / MAX_IDS) }, (_, i) => i * MAX_IDS)
  return starts.map(start => ({ ids: body.ids.slice(start, start + MAX_IDS) }))
}

function queryOf ({ ids, filter, excluded }) {
  return ids === undefined ? { ...filter, excluded: excluded?.join() } : { ids: ids.join() }
}

function goneText (notFound) {
  return notFound.length === 0 ? '' : `; ${formatPlural(notFound.length, 'peer')} had left`
}
