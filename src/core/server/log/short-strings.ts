/** Characters of one string in a log record. */
const MAX_LENGTH = 200

/** Details of a log record with every string that a client may have sent cut to a length fit for a log. */
export function withShortStrings<Details extends object> (details: Details): Details {
  const shorten = (value: unknown): unknown => typeof value === 'string' ? shortString(value) : value
  return Object.fromEntries(Object.entries(details).map(([name, value]) => [name, shorten(value)])) as Details
}

/** `text` cut to 200 characters, with a note of its length if it is longer. */
function shortString (text: string): string {
  return text.length <= MAX_LENGTH ? text : `${text.slice(0, MAX_LENGTH)}... (${text.length} characters)`
}
