/** Merges two sequences that ascend by id. */
export function * ascending<Item extends { readonly id: number }> (
  one: Iterator<Item>, other: Iterator<Item>
): IterableIterator<Item> {
  let a = one.next()
  let b = other.next()
  while (a.done !== true || b.done !== true) {
    if (b.done === true || (a.done !== true && a.value.id < b.value.id)) {
      yield a.value as Item
      a = one.next()
    } else {
      yield b.value
      b = other.next()
    }
  }
}
