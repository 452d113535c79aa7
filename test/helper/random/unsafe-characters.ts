/**
 * Characters that must not reach a terminal: C0 and C1 controls, DEL, line and paragraph separators, and the controls
 * of the Unicode bidirectional algorithm (UAX #9, 2: ALM, LRM, RLM, embeddings, overrides and isolates).
 */
// oxlint-disable-next-line no-control-regex
export const unsafeCharacters = /[\u0000-\u001F\u007F-\u009F\u061C\u200E\u200F\u2028-\u202E\u2066-\u2069]/
