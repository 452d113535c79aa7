/** A compiled module: its memory, and the function that unmasks memory[start..end), a multiple of 64 bytes, not 0. */
export interface UnmaskModule {
  readonly memory: Uint8Array
  readonly unmask: (start: number, end: number, key: number) => void
}

/** The part of the WebAssembly API that is used here; undefined with `node --jitless`. */
interface WebAssemblyApi {
  readonly Module: new (bytes: Uint8Array) => object
  readonly Instance: new (module: object) => { exports: unknown }
}

/** What the module exports. */
interface Exports { readonly memory: { readonly buffer: ArrayBuffer }, readonly unmask: UnmaskModule['unmask'] }

/**
 * ```wat
 * (module
 *   (memory (export "memory") 1)
 *   (func (export "unmask") (param $at i32) (param $end i32) (param $key i32) (local $keys v128)
 *     (local.set $keys (i32x4.splat (local.get $key)))
 *     (loop
 *       (v128.store offset=0 (local.get $at)
 *         (v128.xor (v128.load offset=0 (local.get $at)) (local.get $keys)))
 *       ;; the same with offset 16, 32 and 48
 *       (br_if 0 (i32.lt_u (local.tee $at (i32.add (local.get $at) (i32.const 64))) (local.get $end))))))
 * ```
 */
const binary = new Uint8Array([
  ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
  ...section(1, 1, 0x60, 3, 0x7f, 0x7f, 0x7f, 0),
  ...section(3, 1, 0),
  ...section(5, 1, 0, 1),
  ...section(7, 2, ...name('memory'), 2, 0, ...name('unmask'), 0, 0),
  ...section(10, 1, ...sized(
    ...[1, 1, 0x7b],
    ...[0x20, 2, 0xfd, 17, 0x21, 3],
    ...[0x03, 0x40],
    ...[0, 16, 32, 48].flatMap(offset => [
      ...[0x20, 0, 0x20, 0, 0xfd, 0, 0, offset, 0x20, 3, 0xfd, 81, 0xfd, 11, 0, offset]
    ]),
    ...[0x20, 0, 0x41, 0xc0, 0, 0x6a, 0x22, 0, 0x20, 1, 0x49, 0x0d, 0, 0x0b],
    0x0b
  ))
])

/** Compiles the module, which has 64 KiB of memory; undefined without WebAssembly, SIMD or address space for it. */
export function compile (): UnmaskModule | undefined {
  const { WebAssembly } = globalThis as unknown as { WebAssembly: WebAssemblyApi | undefined }
  if (WebAssembly === undefined) return undefined
  try {
    const { exports } = new WebAssembly.Instance(new WebAssembly.Module(binary))
    const { memory, unmask } = exports as Exports
    return { memory: new Uint8Array(memory.buffer), unmask }
  } catch {
    return undefined
  }
}

function section (id: number, ...content: number[]): number[] {
  return [id, ...sized(...content)]
}

function name (text: string): number[] {
  return sized(...Buffer.from(text))
}

/** Content after its length, which is below 128. */
function sized (...content: number[]): number[] {
  if (content.length > 127) throw new RangeError(`expected at most 127 bytes, got ${content.length}`)
  return [content.length, ...content]
}
