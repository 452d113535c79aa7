// The table of bans, and the dialog that adds one.
import { client } from '../base/api.js'
import { formatAge, formatCount, formatDuration, formatPlural } from '../client/format.js'
import { showReasonSize, onSubmit, openDialog } from '../base/dialogs.js'
import { byId, createElement, formatDate, messageOf, setText, showDone, showToast } from '../base/dom.js'
import { serverNow } from '../base/server-clock.js'
import { createButton, createCell, PagedTable } from '../base/table.js'

/** Milliseconds from one load of the bans to the next, unless they change: the server sends all of them. */
const LOAD_INTERVAL = 30_000
/** Milliseconds without a key press until the peers of an address are counted. */
const TYPING_DELAY = 300

const sortKeys = {
  address: ({ address }) => address,
  since: ({ since }) => since,
  // Times are compared as text; "~" sorts a permanent ban last.
  until: ({ until }) => until ?? '~'
}

/** Shows bans; `onLift (address)` is called when the user wants to lift one. */
export function createBanTable (onLift) {
  return new PagedTable({
    ids: {
      table: 'bans',
      filter: 'ban-filter',
      pages: 'ban-pages',
      problem: 'bans-problem',
      partial: 'bans-partial',
      none: 'bans-none'
    },
    sort: 'since',
    order: 'desc',
    ageSort: 'since',
    keyOf: ({ address }) => address,
    load: loadBans,
    createRow: ban => createRow(ban, onLift),
    isComplete: () => true,
    noneText: isFiltered => isFiltered ? 'No bans match this filter.' : 'No bans.'
  })
}

/** How often the bans have changed, as far as this page knows. */
let changes = 0
/** The bans that were loaded last, from where, at which number of changes, and until when they are used. */
let loaded = { items: [] }

/** Loads the bans again at the next refresh. */
export function bansChanged () {
  changes++
}

/** The bans in effect. */
async function currentBans (signal) {
  if (loaded.client !== client || loaded.changes !== changes || performance.now() > loaded.until) {
    const loading = { client, changes, until: performance.now() + LOAD_INTERVAL }
    const { items } = await client.call('bans', {}, undefined, { signal })
    loaded = { ...loading, items }
  }
  return loaded.items.filter(({ until }) => until === null || Date.parse(until) > serverNow())
}

/** One page of the bans, which are filtered and sorted here. */
async function loadBans ({ limit, cursor = 0, sort, order }, { q = '' }, signal) {
  const items = await currentBans(signal)
  const text = q.toLowerCase()
  const found = items.filter(ban => [ban.address, ban.reason].some(value => value.toLowerCase().includes(text)))
  const keyOf = sortKeys[sort]
  const direction = order === 'asc' ? 1 : -1
  found.sort((a, b) => keyOf(a) === keyOf(b) ? 0 : keyOf(a) < keyOf(b) ? -direction : direction)
  const end = cursor + limit
  setText(byId('bans-count'), formatCount(items.length))
  return { items: found.slice(cursor, end), nextCursor: end < found.length ? end : null, meta: { count: found.length } }
}

/** Creates the row of a ban: its element, and a function that updates it. */
function createRow ({ address }, onLift) {
  const [reason, age, expires] = [createCell('reason'), createCell('number age'), createCell('number expires')]
  const element = createElement('tr', { tabIndex: -1 },
    createCell('name', address), reason, age, expires,
    createCell('row-actions', createButton('lift', 'Lift', `Lift the ban on ${address}`, () => { onLift(address) })))
  const update = (ban, now) => {
    setText(reason, ban.reason === '' ? '–' : ban.reason)
    reason.title = ban.reason
    age.title = `since ${formatDate(new Date(ban.since))}`
    setText(age, formatAge(ban.since, now))
    expires.title = ban.until === null ? '' : `until ${formatDate(new Date(ban.until))}`
    setText(expires, ban.until === null ? 'never' : `in ${formatDuration((Date.parse(ban.until) - now) / 1000)}`)
  }
  return { element, update }
}

/** Lifts a ban; resolves when it is lifted. */
export async function liftBan (address) {
  try {
    showDone(`Lifted the ban on ${address}`, await client.call('unban', { address }))
  } catch (error) {
    showToast(messageOf(error))
  }
}

/** Bans an address or a range; `address` is preset, `onBanned` is called afterwards. */
export function openBan (address, onBanned) {
  openBanDialog({
    title: 'Ban an address',
    verb: 'Ban',
    address: address ?? '',
    ban: async terms => {
      const ban = await client.call('ban', {}, terms)
      showDone(`Banned ${ban.address}`, ban)
      onBanned()
    }
  })
}

/**
 * Asks for the terms of a ban, and calls `ban (terms)` with them. `address` is the initial value of its field, which is
 * hidden without one: then the title says who is banned.
 */
export function openBanDialog ({ title, verb, address, ban }) {
  const form = openDialog('ban-dialog')
  const { address: field, duration, minutes, reason } = form.elements
  form.reset()
  setText(byId('ban-title'), title)
  setText(form.querySelector('.danger'), verb)
  byId('ban-address').hidden = field.disabled = address === undefined
  field.value = address ?? ''
  form.oninput = ({ target }) => {
    byId('ban-minutes').hidden = duration.value !== 'other'
    showReasonSize(reason, byId('ban-reason-size'))
    if (target === field) showMatch(field.value.trim())
  }
  form.oninput({ target: field })
  onSubmit(form, async () => {
    const seconds = secondsOf(duration.value, minutes.value.trim())
    await ban({
      ...(address === undefined ? {} : { address: field.value.trim() }),
      ...(seconds === undefined ? {} : { seconds }),
      ...(reason.value === '' ? {} : { reason: reason.value })
    })
  })
}

/** Seconds of the chosen duration; undefined: permanent. */
function secondsOf (duration, minutes) {
  if (duration === '') return undefined
  if (duration !== 'other') return Number(duration)
  if (!(Number(minutes) > 0)) throw new Error('Invalid duration: expected minutes greater than 0.')
  return Number(minutes) * 60
}

let typingTimer
let request = new AbortController()

/** Shows how many peers a ban of this address would disconnect. */
function showMatch (address) {
  clearTimeout(typingTimer)
  request.abort()
  setText(byId('ban-match'), '')
  if (address === '') return
  const { signal } = request = new AbortController()
  typingTimer = setTimeout(async () => {
    try {
      const { meta } = await client.call('peers', { address, limit: 1 }, undefined, { signal })
      setText(byId('ban-match'), `${formatPlural(meta.count, 'connected peer')} will be disconnected.`)
    } catch {
      // The address is incomplete or invalid; banning it reports what is wrong.
    }
  }, TYPING_DELAY)
}
