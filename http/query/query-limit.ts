/** Maximum number of parameters in a query. No route has as many as ten. */
export const MAX_PARAMETERS = 100

/**
 * Whether the query of a URL has more parameters than any client needs: parsing 2,600 of them, which fit a request
 * head, costs more than everything else about a request that is refused.
 */
export function hasTooManyParameters (url: string): boolean {
  let at = url.indexOf('?')
  for (let left = MAX_PARAMETERS; at !== -1 && left > 0; left--) at = url.indexOf('&', at + 1)
  return at !== -1
}
