import { GodotError } from '../error.ts'
import type { VariantReader, VariantRow, VariantTable, VariantWriter } from './variant-codec.ts'
import * as rows from './variant-rows.ts'
import * as types from './variant-types.ts'
import type { Variant } from './variant-types.ts'

/**
 * Arrays and dictionaries of Godot 4, which may have a type: its kind has two bits in the first word, its number or
 * name stands before the count. Elements keep their own first words.
 */

/** The type of containers without one. */
const ANY = 'Variant'
/** The class of every object, as long as only ids are sent. */
const ID = 'EncodedObjectAsID'
/** Where the kinds are in the first word: of elements or keys, and of the values of a dictionary. */
const [FIRST, SECOND] = [16, 18]

const kind = { ANY: 0, BUILT_IN: 1, CLASS: 2, SCRIPT: 3 } as const

function kindOf (type: string, to: VariantWriter): number {
  if (type === ANY) return kind.ANY
  if (to.table.numbers.has(type)) return kind.BUILT_IN
  return to.allowObjects && type.includes('://') ? kind.SCRIPT : kind.CLASS
}

function writeType (to: VariantWriter, type: string): void {
  const number = to.table.numbers.get(type)
  if (number !== undefined) to.u32(number)
  else if (type !== ANY) to.string(to.allowObjects ? type : ID)
}

function readType (from: VariantReader, bits: number): string {
  if ((bits & 3) === kind.ANY) return ANY
  if ((bits & 3) !== kind.BUILT_IN) {
    const name = from.string()
    return from.allowObjects ? name : ID
  }
  const number = from.u32()
  const row = from.table.rows[number] ?? from.fail(`no type ${number}`, from.offset - 4)
  return row.type === 0 ? ANY : row.name
}

/** Whether a value of type `number` may be in a container of `type`; null may where objects are. */
function isOf ({ numbers }: VariantTable, type: string, number: number): boolean {
  if (type === ANY) return true
  return numbers.has(type) ? numbers.get(type) === number : number === 0 || number === numbers.get('Object')
}

/** A value of `type`, which says by itself that a float is a float. */
function readOf (from: VariantReader, type: string): Variant {
  if (!isOf(from.table, type, from.peek())) from.fail(`not of type ${type}`)
  const value = from.variant()
  return type === 'float' && value instanceof types.Float ? value.value : value
}

function writeOf (to: VariantWriter, type: string, value: Variant): void {
  const typed = type === 'float' && typeof value === 'number' ? types.float(value) : value
  if (!isOf(to.table, type, to.table.rowOf(typed).type)) throw new GodotError('ERR_INVALID_PARAMETER', `a value that is not of type ${type} in a container of them`)
  to.variant(typed)
}

/** | type, if any: number u32 or name string | count u32 | Variants ... | */
export const array: VariantRow<readonly Variant[] | types.TypedArray> = {
  ...rows.array,
  classes: [Array, types.TypedArray],
  read: (from, word) => {
    const type = readType(from, word >> FIRST)
    if (type === ANY) return rows.array.read(from, word)
    from.enter()
    const items = rows.readItems(from.count(4, from.u32() & rows.COUNT), () => readOf(from, type))
    from.leave()
    return new types.TypedArray(type, items)
  },
  write: (to, value, type) => value instanceof types.TypedArray ? writeTypedArray(to, value, type) : rows.array.write(to, value, type)
}

function writeTypedArray (to: VariantWriter, { type, items }: types.TypedArray, number: number): void {
  to.u32(number | kindOf(type, to) << FIRST)
  writeType(to, type)
  to.u32(items.length)
  to.enter()
  for (const item of items) writeOf(to, type, item)
  to.leave()
}

/** | key type, if any | value type, if any | count u32 | key, value: Variants ... | */
export const dictionary: VariantRow<any> = {
  ...rows.dictionary,
  classes: [Map, Object, types.TypedDictionary],
  read: (from, word) => {
    const keyType = readType(from, word >> FIRST)
    const valueType = readType(from, word >> SECOND)
    const count = from.count(8, from.u32() & rows.COUNT)
    const pairs = rows.readPairs(from, count, () => readOf(from, keyType), () => readOf(from, valueType))
    return keyType === ANY && valueType === ANY ? pairs : new types.TypedDictionary(keyType, valueType, pairs)
  },
  write: (to, value, type) => value instanceof types.TypedDictionary ? writeTypedDictionary(to, value, type) : rows.dictionary.write(to, value, type)
}

function writeTypedDictionary (to: VariantWriter, { keyType, valueType, pairs }: types.TypedDictionary, number: number): void {
  to.u32(number | kindOf(keyType, to) << FIRST | kindOf(valueType, to) << SECOND)
  writeType(to, keyType)
  writeType(to, valueType)
  to.u32(pairs.size)
  to.enter()
  pairs.forEach((value, key) => {
    writeOf(to, keyType, key)
    writeOf(to, valueType, value)
  })
  to.leave()
}
