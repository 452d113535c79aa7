import { GodotError } from '../../error.ts'
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
  const isObject = number === 0 || number === numbers.get('Object')
  return numbers.has(type) && type !== 'Object' ? numbers.get(type) === number : isObject
}

type Fit = (value: Variant) => Variant | undefined

const isNumber = (value: Variant): value is number | bigint | types.Float => typeof value === 'number' || typeof value === 'bigint' || value instanceof types.Float

/** Types that values of another one are made into; a container of floats says by itself that a float is a float. */
const fits = new Map<string, Fit>([
  ['int', value => isNumber(value) ? whole(value) : undefined],
  ['float', value => isNumber(value) ? Number(value) : undefined],
  ['String', value => value instanceof types.StringName ? value.text : typeof value === 'string' ? value : undefined],
  ['StringName', value => typeof value === 'string' ? new types.StringName(value) : value instanceof types.StringName ? value : undefined]
])

function whole (value: number | bigint | types.Float): number | bigint | undefined {
  return Math.abs(Number(value)) < 2 ** 63 || typeof value === 'bigint' ? types.int(value) : undefined
}

/** How values come into a container of `type`: as they are, made into what fits, or not at all (undefined), as in Godot. */
function fitOf (table: VariantTable, type: string): Fit {
  return fits.get(type) ?? (value => isOf(table, type, table.rowOf(value).type) ? value : undefined)
}

function fittedPairs (from: VariantReader, pairs: ReadonlyMap<Variant, Variant>, fitKey: Fit, fitValue: Fit): Map<Variant, Variant> {
  const fitted = new rows.Pairs(from)
  for (const pair of pairs) {
    const [key, value] = [fitKey(pair[0]), fitValue(pair[1])]
    if (key !== undefined && value !== undefined) fitted.set(key, value)
  }
  return fitted.map
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
    const fit = fitOf(from.table, type)
    return new types.TypedArray(type, rows.array.read(from, word).map(fit).filter(value => value !== undefined))
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
    const pairs = rows.dictionary.read(from, word) as ReadonlyMap<Variant, Variant>
    if (keyType === ANY && valueType === ANY) return pairs
    return new types.TypedDictionary(keyType, valueType, fittedPairs(from, pairs, fitOf(from.table, keyType), fitOf(from.table, valueType)))
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
