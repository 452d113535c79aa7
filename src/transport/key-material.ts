import { constants, createPrivateKey, X509Certificate } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { createSecureContext } from 'node:tls'
import type { SecureContext } from 'node:tls'
import type { Keys } from '../core/peer/transport.ts'
import { GodotError } from '../error.ts'

const certificates = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/** What TLS 1.2 and 1.3 need of the keys, undefined without any; ERR_INVALID_PARAMETER names the one that is missing, unreadable or does not fit. */
export function secureContext ({ privateKey, sslCertificate, caChain }: Keys): SecureContext | undefined {
  if (privateKey === undefined && sslCertificate === undefined && caChain === undefined) return undefined
  const key = readKey(given('privateKey', privateKey))
  const [certificate] = readCertificates('sslCertificate', given('sslCertificate', sslCertificate))
  if (caChain !== undefined) readCertificates('caChain', caChain)
  if (!certificate.checkPrivateKey(key)) throw new GodotError('ERR_INVALID_PARAMETER', 'privateKey: is not the key of sslCertificate')
  return createSecureContext({
    key: privateKey,
    cert: caChain === undefined ? sslCertificate : `${sslCertificate!.trimEnd()}\n${caChain}`,
    minVersion: 'TLSv1.2',
    // A client that renegotiates over and over costs more than it is worth.
    secureOptions: constants.SSL_OP_NO_RENEGOTIATION
  })
}

function given (name: string, pem: string | undefined): string {
  if (pem === undefined) throw new GodotError('ERR_INVALID_PARAMETER', `${name}: is missing; TLS needs privateKey and sslCertificate`)
  return pem
}

function readKey (pem: string): KeyObject {
  return reading('privateKey', 'an unencrypted private key in PEM', () => createPrivateKey(pem))
}

function readCertificates (name: string, pem: string): X509Certificate[] {
  return reading(name, 'certificates in PEM', () => {
    const found = pem.match(certificates) ?? []
    if (found.length === 0) throw new Error('no certificate')
    return found.map(one => new X509Certificate(one))
  })
}

function reading<Value> (name: string, what: string, read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    throw new GodotError('ERR_INVALID_PARAMETER', `${name}: is not ${what} (${(error as Error).message})`)
  }
}
