import { constants, createPrivateKey, X509Certificate } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { SecureContext } from 'node:tls'
import type { TlsKeys } from './listener.ts'
import { GodotError } from '../error.ts'

const certificates = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

const members = ['privateKey', 'sslCertificate', 'caChain']

/**
 * Checks replacement keys: ERR_INVALID_PARAMETER names an unknown member, or a missing one (which would silently turn
 * TLS off).
 */
export function checkNewKeys (keys: TlsKeys): void {
  if (typeof keys !== 'object' || keys === null) throw invalid(`keys: expected an object, got ${String(keys)}`)
  const unknown = Object.keys(keys).find(name => !members.includes(name))
  if (unknown !== undefined) throw invalid(`${unknown}: unknown member; expected ${members.join(', ')}`)
  given('privateKey', keys.privateKey)
  given('sslCertificate', keys.sslCertificate)
}

/**
 * The context for TLS 1.2 and 1.3, undefined without any key; ERR_INVALID_PARAMETER names the key that is missing,
 * unreadable or does not belong to the certificate.
 */
export function secureContext ({ privateKey, sslCertificate, caChain }: TlsKeys): SecureContext | undefined {
  if (privateKey === undefined && sslCertificate === undefined && caChain === undefined) return undefined
  const key = readKey(given('privateKey', privateKey))
  const [certificate] = readCertificates('sslCertificate', given('sslCertificate', sslCertificate))
  if (caChain !== undefined) readCertificates('caChain', caChain)
  if (!certificate.checkPrivateKey(key)) throw invalid('privateKey: not the key of sslCertificate')
  return createSecureContext({
    key: privateKey,
    cert: caChain === undefined ? sslCertificate : `${sslCertificate!.trimEnd()}\n${caChain}`,
    minVersion: 'TLSv1.2',
    // Repeated renegotiation is a cheap attack on the CPU.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION
  })
}

function given (name: string, pem: string | undefined): string {
  if (pem === undefined) throw invalid(`${name}: missing; TLS needs privateKey and sslCertificate`)
  if (typeof pem !== 'string') throw invalid(`${name}: expected a string in PEM`)
  return pem
}

function readKey (pem: string): KeyObject {
  return parse('privateKey', 'an unencrypted private key in PEM', () => createPrivateKey(pem))
}

function readCertificates (name: string, pem: string): X509Certificate[] {
  return parse(name, 'certificates in PEM', () => {
    const found = pem.match(certificates) ?? []
    if (found.length === 0) throw new Error('no certificate')
    return found.map(one => new X509Certificate(one))
  })
}

function parse<Value> (name: string, expected: string, read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    throw invalid(`${name}: expected ${expected} (${(error as Error).message})`)
  }
}

function invalid (message: string): GodotError {
  return new GodotError('ERR_INVALID_PARAMETER', message)
}
