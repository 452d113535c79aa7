/** Keys of a TLS listener, in PEM format; a listener without any accepts plain connections. */
export interface TlsKeys {
  /** Private key of the certificate. */
  readonly privateKey?: string | undefined
  /** Certificate of the server. */
  readonly sslCertificate?: string | undefined
  /** Intermediate certificates. */
  readonly caChain?: string | undefined
}

/** Accepts connections on a port of its own. */
export interface Listener {
  /** The bound port. */
  readonly port: number
  /** Whether clients connect with TLS. */
  readonly tls: boolean
  /** New connections use these keys, existing ones keep theirs; throws ERR_INVALID_PARAMETER and changes nothing. */
  setKeys (keys: TlsKeys): void
  /** Accepts no more connections; resolves when the port is free and every connection is closed. */
  close (): Promise<void>
}

/** The endpoint that the host app provides for a server without a port of its own. */
export interface Mount {
  /** The port the host app is bound to, 0 while it is not. */
  readonly port: number
  /** Path of the endpoint, with the prefixes of the scopes that it is in; default: option `path`. */
  readonly path?: string
  /** Whether clients connect with TLS. */
  readonly tls: boolean
}
