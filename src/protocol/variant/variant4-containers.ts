import { GodotError } from '../../error.ts'
import type { VariantReader, VariantRow, VariantTable, VariantWriter } from './variant-codec.ts'
import * as rows from './variant-rows.ts'
import * as types from './variant-types.ts'
import type { Variant } from './variant-types.ts'

/**
 * Typed arrays and dictionaries of Godot 4: two bits of the first word are the kind of type, its number or name
 * precedes the count. Elements have first words of their own.
 */

/** The type of untyped containers. */
const ANY = 'Variant'
/** The class of every object if only ids are sent. */
const ID = 'EncodedObjectAsID'
/** Shifts of the kinds in the first word: of elements or keys, and of the values of a dictionary. */
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
  const row = from.table.rows[number] ?? from.fail(`unknown Variant type ${number}`, from.offset - 4)
  return row.type === 0 ? ANY : row.name
}

/** Whether a container of `type` may hold a value of type `number`; null is allowed among objects. */
function isOf ({ numbers }: VariantTable, type: string, number: number): boolean {
  if (type === ANY) return true
  const isObject = number === 0 || number === numbers.get('Object')
  return numbers.has(type) && type !== 'Object' ? numbers.get(type) === number : isObject
}

type Fit = (value: Variant) => Variant | undefined

const isNumber = (value: Variant): value is number | bigint | types.Float =>
  typeof value === 'number' || typeof value === 'bigint' || value instanceof types.Float

/** Types into which Godot converts values of another type. Elements of a container of floats need no `Float`. */
const fits = new Map<string, Fit>([
  ['int', value => isNumber(value) ? whole(value) : undefined],
  ['float', value => isNumber(value) ? Number(value) : undefined],
  ['String', value => value instanceof types.StringName ? value.text : typeof value === 'string' ? value : undefined],
  ['StringName', value => {
    if (typeof value === 'string') return new types.StringName(value)
    return value instanceof types.StringName ? value : undefined
  }]
])

function whole (value: number | bigint | types.Float): number | bigint | undefined {
  return Math.abs(Number(value)) < 2 ** 63 || typeof value === 'bigint' ? types.int(value) : undefined
}

/** How a value is put into a container of `type`, as in Godot: unchanged, converted, or left out (undefined). */
function fitOf (table: VariantTable, type: string): Fit {
  return fits.get(type) ?? (value => isOf(table, type, table.rowOf(value).type) ? value : undefined)
}

function fittedPairs (
  from: VariantReader,
  pairs: ReadonlyMap<Variant, Variant>,
  fitKey: Fit,
  fitValue: Fit
): ReadonlyMap<Variant, Variant> {
  const fitted = new rows.Pairs(from)
  for (const pair of pairs) {
    const [key, value] = [fitKey(pair[0]), fitValue(pair[1])]
    if (key !== undefined && value !== undefined) fitted.set(key, value)
  }
  return fitted.map
}

function writeOf (to: VariantWriter, type: string, value: Variant): void {
  const typed = type === 'float' && typeof value === 'number' ? types.float(value) : value
  const { name, type: number } = to.table.rowOf(typed)
  if (!isOf(to.table, type, number)) {
    throw new GodotError('ERR_INVALID_PARAMETER', `cannot put ${name} into a container of ${type}`)
  }
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
  write: (to, value, type) => {
    if (value instanceof types.TypedArray) writeTypedArray(to, value, type)
    else rows.array.write(to, value, type)
  }
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
    const [fitKey, fitValue] = [fitOf(from.table, keyType), fitOf(from.table, valueType)]
    return new types.TypedDictionary(keyType, valueType, fittedPairs(from, pairs, fitKey, fitValue))
  },
  write: (to, value, type) => {
    if (value instanceof types.TypedDictionary) writeTypedDictionary(to, value, type)
    else rows.dictionary.write(to, value, type)
  }
}

function writeTypedDictionary (to: VariantWriter, dictionary: types.TypedDictionary, number: number): void {
  const { keyType, valueType, pairs } = dictionary
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
