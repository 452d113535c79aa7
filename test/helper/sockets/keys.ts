import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { root } from '../../../scripts/root.ts'

const folder = join(root, 'test/vectors/tls')

type KeyName = 'root.pem' | 'middle.pem' | 'leaf.pem' | 'leaf.key' | 'renewed.pem' | 'renewed.key' | 'encrypted.key'

/**
 * Path of a key or certificate for tests: `root` signed `middle` and `renewed`, `middle` signed `leaf`; `leaf` and
 * `renewed` are for localhost.
 */
export function keyFile (name: KeyName): string {
  return join(folder, name)
}

/** Content of a key or certificate for tests. */
export function pem (name: KeyName): string {
  return readFileSync(keyFile(name), 'utf8')
}

/** TLS options of a server, for clients that trust `root.pem`. */
export const leafKeys = {
  privateKey: pem('leaf.key'), sslCertificate: pem('leaf.pem'), caChain: pem('middle.pem')
}

/** Renewed keys of the same server. */
export const renewedKeys = { privateKey: pem('renewed.key'), sslCertificate: pem('renewed.pem') }
