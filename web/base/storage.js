// What the browser keeps for the page.

/** `localStorage` or `sessionStorage`; if the browser blocks them, a storage that lasts until the page is left. */
export function storageOf (name) {
  try {
    return window[name]
  } catch {
    const items = new Map()
    return {
      getItem: key => items.get(key) ?? null,
      setItem: (key, value) => { items.set(key, value) },
      removeItem: key => { items.delete(key) }
    }
  }
}
