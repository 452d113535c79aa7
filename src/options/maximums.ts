/** Maximum of a limit on a number of peers, rooms or connections. */
export const MAX_LIMIT = 1 << 24
/** Maximum of a time in seconds that a room stays open without peers: a week. */
export const MAX_EMPTY_SECONDS = 7 * 24 * 3600
