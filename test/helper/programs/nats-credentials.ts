import { nkeys } from '@nats-io/transport-node'

type KeyPair = ReturnType<typeof nkeys.createUser>

const messaging = ['subs', 'data', 'payload', 'imports', 'exports', 'conn', 'leaf']
const jetStream = ['mem_storage', 'disk_storage', 'streams', 'consumer']

/** A nats-server configuration that admits users by signed credentials, and the .creds file of one user. */
export function natsCredentials (): { config: string, credentials: string } {
  const [operator, account, system, user] =
    [nkeys.createOperator(), nkeys.createAccount(), nkeys.createAccount(), nkeys.createUser()]
  const userClaims = { type: 'user', version: 2, pub: {}, sub: {}, ...unlimited('subs', 'data', 'payload') }
  const seed = new TextDecoder().decode(user.getSeed())
  return {
    config: `
      operator: ${sign(operator, operator, { type: 'operator', version: 2 })}
      system_account: ${system.getPublicKey()}
      resolver: MEMORY
      resolver_preload: {
        ${account.getPublicKey()}: ${sign(operator, account, accountClaims(...messaging, ...jetStream))}
        ${system.getPublicKey()}: ${sign(operator, system, accountClaims(...messaging))}
      }`,
    credentials: [
      '-----BEGIN NATS USER JWT-----', sign(account, user, userClaims), '------END NATS USER JWT------',
      '-----BEGIN USER NKEY SEED-----', seed, '------END USER NKEY SEED------', ''
    ].join('\n')
  }
}

function accountClaims (...limits: string[]): object {
  return {
    type: 'account',
    version: 2,
    limits: { ...unlimited(...limits), wildcards: true },
    default_permissions: { pub: {}, sub: {} }
  }
}

function unlimited (...limits: string[]): Record<string, number> {
  return Object.fromEntries(limits.map(limit => [limit, -1]))
}

/** A JSON web token as NATS signs them. */
function sign (issuer: KeyPair, subject: KeyPair, nats: object): string {
  const claims = {
    jti: subject.getPublicKey(),
    iat: Math.floor(Date.now() / 1000),
    iss: issuer.getPublicKey(),
    sub: subject.getPublicKey(),
    name: 'test',
    nats
  }
  const text = [{ typ: 'JWT', alg: 'ed25519-nkey' }, claims].map(part => base64(JSON.stringify(part))).join('.')
  return `${text}.${base64(issuer.sign(new TextEncoder().encode(text)))}`
}

function base64 (bytes: string | Uint8Array): string {
  return Buffer.from(bytes).toString('base64url')
}
