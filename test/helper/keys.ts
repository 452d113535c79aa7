import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../scripts/root.ts'

const folder = join(root, 'test/vectors/tls')

/**
 * Where a key or certificate of the tests lies: `root` signed `middle` and `renewed`, `middle` signed `leaf`; the last
 * two are for localhost.
 */
export function keyFile (
  name: 'root.pem' | 'middle.pem' | 'leaf.pem' | 'leaf.key' | 'renewed.pem' | 'renewed.key' | 'encrypted.key'
): string {
  return join(folder, name)
}

/** The same as text. */
export function pem (name: Parameters<typeof keyFile>[0]): string {
  return readFileSync(keyFile(name), 'utf8')
}

/** Options of a server that speaks TLS to whoever trusts `root.pem`. */
export const leafKeys = { privateKey: pem('leaf.key'), sslCertificate: pem('leaf.pem'), caChain: pem('middle.pem') }

/** Other keys of the same server. */
export const renewedKeys = { privateKey: pem('renewed.key'), sslCertificate: pem('renewed.pem') }
