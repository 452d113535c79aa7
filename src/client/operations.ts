// Written by `npm run openapi` from openapi/openapi.json; a test keeps it fresh.

/** Problem details (RFC 9457) */
export interface Problem {
  /** URI of the problem type */
  type: string
  /** The problem type in words */
  title: string
  /** HTTP status */
  status: number
  /** What is wrong in this case */
  detail: string
  /** Id of the request, as in the log */
  instance?: string
  /** Stable code: the name of Godot's Error, or a kebab-case name */
  code: string
  /** Godot's Error number */
  godotError?: number
  /** Parts of the request that do not match its schema; at most eight */
  errors?: Array<{
    /** JSON pointer to the invalid value, starting with the part of the request */
    pointer: string
    /** What is wrong with it */
    message: string
  }>
}

/** The peer */
export interface Peer {
  /** Id of the peer */
  id: number
  /** Address of the client */
  address: string
  /** Port of the client */
  port: number
  /** Negotiated subprotocol, empty for none */
  protocol: string
  /** closing: a close frame was sent and is not answered yet */
  state: 'open' | 'closing' | 'ended'
  /** When it connected */
  connectedAt: string
  /** Packets received from it */
  packetsIn: number
  /** Packets sent to it */
  packetsOut: number
  /** Payload bytes received from it */
  bytesIn: number
  /** Payload bytes sent to it */
  bytesOut: number
  /** Bytes queued for sending */
  bufferedAmount: number
  /** Data from the application's `onHandshake`, as far as JSON can represent them: a BigInt as text, a circular reference as `[circular]` */
  data?: unknown
}

/** The state of the server */
export interface State {
  /** Whether the server is listening */
  listening: boolean
  /** On the endpoint of the host app, or on a listener of its own */
  mode: 'mounted' | 'own'
  /** Address that a listener of its own binds to; `*`: all addresses, IPv4 and IPv6 */
  bindIp: string
  /** The bound port, 0 while not listening */
  port: number
  /** URL path of the mounted endpoint */
  path: string
  /** Whether clients connect with wss */
  tls: boolean
  /** Supported subprotocols, preferred first; empty: clients must not request one */
  protocols: Array<string>
  /** Use Godot's multiplayer protocol: relay between peers, ids, ADD and DEL */
  gdMpApi: boolean
  /** Godot version of the clients: selects the multiplayer protocol and the Variant encoding */
  wire: 'godot3' | 'godot4'
  /** Refuse every new connection; connected peers stay */
  refuseNewConnections: boolean
  /** Seconds a client may take to complete its handshake */
  handshakeTimeout: number
  /** Effective limits per peer */
  buffers: {
    /** Size of a peer's input queue of unread packets, in KiB, rounded up to a power of two */
    inputBufferKb: number
    /** Packets that a peer's input queue holds, rounded up to a power of two */
    inputMaxPackets: number
    /** Size of a peer's output queue of unsent packets, in KiB, rounded up to a power of two */
    outputBufferKb: number
    /** Packets that a peer's output queue holds, rounded up to a power of two */
    outputMaxPackets: number
  }
  /** Number of peers by state */
  peers: {
    /** Open peers */
    open: number
    /** Closing peers */
    closing: number
    /** Pending handshakes */
    pending: number
  }
  /** Limits for clients */
  limits: {
    /** Maximum number of peers; 0: no limit */
    maxPeers: number
    /** Maximum number of connections from one address (IPv6: from one /64); loopback addresses have no limit; 0: no limit */
    maxPeersPerAddress: number
    /** Maximum number of pending handshakes */
    maxPendingHandshakes: number
    /** Maximum packets per second from one peer. A peer that exceeds it is read more slowly, and closed with 1008 if that does not help; 0: no limit */
    maxPacketsPerSecond: number
    /** Maximum payload bytes per second from one peer. A peer that exceeds it is read more slowly, and closed with 1008 if that does not help; 0: no limit */
    maxBytesPerSecond: number
    /** Seconds of silence after which a peer is pinged; after twice that time it is disconnected; 0: never */
    pingInterval: number
    /** Number of times each limit was hit since the start */
    hits: Record<string, number>
  }
  /** Seconds it has been listening */
  uptime: number
}

/** An address or range whose clients may not connect */
export interface Ban {
  /** The address or range, in canonical form */
  address: string
  /** Reason that its clients receive */
  reason: string
  /** When it was created */
  since: string
  /** When the ban expires; null: never */
  until: string | null
}

/** What each operation takes and answers. */
export interface Operations {
  /** Get the state of the server. */
  getServer: {
    parameters: Record<never, never>
    body: undefined
    answer: State
  }
  /** Change settings while listening. */
  changeServer: {
    parameters: Record<never, never>
    body: {
      /** Refuse every new connection; connected peers stay */
      refuseNewConnections?: boolean
      /** Seconds a client may take to complete its handshake */
      handshakeTimeout?: number
    }
    answer: State
  }
  /** Whether the server is listening. */
  isListening: {
    parameters: Record<never, never>
    body: undefined
    answer: {
      /** Whether the server is listening */
      listening: boolean
    }
  }
  /** Start listening. */
  listen: {
    parameters: Record<never, never>
    body: {
      /** Port to listen on; 0: any free port */
      port?: number
      /** Supported subprotocols, preferred first; empty: clients must not request one */
      protocols?: Array<string>
      /** Use Godot's multiplayer protocol: relay between peers, ids, ADD and DEL */
      gdMpApi?: boolean
    }
    answer: State
  }
  /** Stop listening. */
  stop: {
    parameters: Record<never, never>
    body: {
      /** Close code: 1000 to 1014 except 1004 to 1006 and 1010, or 3000 to 4999. Codes from 4000 are for applications */
      code?: number
      /** Close reason for the client, such as `kicked`: at most 123 bytes of UTF-8 */
      reason?: string
    }
    answer: State
  }
  /** List the peers. */
  peers: {
    parameters: {
      /** Peers per page, by default 100 */
      limit?: number
      /** `nextCursor` of the previous page */
      cursor?: string
      /** Sort key, by default `id`; text sorts by code unit */
      sort?: 'id' | 'connectedAt' | 'address' | 'protocol' | 'packetsIn' | 'packetsOut' | 'bytesIn' | 'bytesOut' | 'bufferedAmount'
      /** Sort order, by default `asc` */
      order?: 'asc' | 'desc'
      /** Peers with this sub-protocol */
      protocol?: string
      /** Peers from this IP address or CIDR range, such as `192.0.2.0/24` */
      address?: string
    }
    body: undefined
    answer: {
      items: Array<Peer>
      /** Cursor of the next page; null on the last page */
      nextCursor: string | null
    }
  }
  /** Get a peer. */
  getPeer: {
    parameters: {
      /** Id of the peer */
      id: number
    }
    body: undefined
    answer: Peer
  }
  /** Disconnect a peer. */
  disconnectPeer: {
    parameters: {
      /** Close code: 1000 to 1014 except 1004 to 1006 and 1010, or 3000 to 4999. Codes from 4000 are for applications */
      code?: number
      /** Close reason for the client, such as `kicked`: at most 123 bytes of UTF-8 */
      reason?: string
      /** Seconds to wait for the disconnect; without it the response comes immediately */
      wait?: number
      /** Id of the peer */
      id: number
    }
    body: undefined
    answer: {
      /** clean: the client answered; timeout: it did not answer in time; reset: the connection broke */
      outcome: 'clean' | 'timeout' | 'reset'
      /** The close code */
      code: number
      /** From the close frame to the disconnect */
      seconds: number
    } | {
      state: 'closing'
    }
  }
  /** Whether a peer exists. */
  hasPeer: {
    parameters: {
      /** Id of the peer */
      id: number
    }
    body: undefined
    answer: {
      exists: boolean
    }
  }
  /** Address of a peer. */
  getPeerAddress: {
    parameters: {
      /** Id of the peer */
      id: number
    }
    body: undefined
    answer: {
      /** Address of the client */
      address: string
    }
  }
  /** Port of a peer. */
  getPeerPort: {
    parameters: {
      /** Id of the peer */
      id: number
    }
    body: undefined
    answer: {
      /** Port of the client */
      port: number
    }
  }
  /** Disconnect many peers. */
  disconnectPeers: {
    parameters: Record<never, never>
    body: {
      /** Just these */
      ids?: Array<number>
      /** Those that fit */
      filter?: {
        /** Peers with this sub-protocol */
        protocol?: string
        /** Peers from this IP address or CIDR range, such as `192.0.2.0/24` */
        address?: string
      }
      /** All of them */
      all?: true
      /** But not these */
      excluded?: Array<number>
      /** Close code: 1000 to 1014 except 1004 to 1006 and 1010, or 3000 to 4999. Codes from 4000 are for applications */
      code?: number
      /** Close reason for the client, such as `kicked`: at most 123 bytes of UTF-8 */
      reason?: string
    }
    answer: {
      /** Peers that are closing now */
      requested: number
      /** The `ids` that are no peers */
      notFound: Array<number>
    }
  }
  /** Send a packet to one peer. */
  putPacket: {
    parameters: {
      /** Id of the peer */
      id: number
    }
    body: Uint8Array | string | { readonly variant: unknown }
    answer: {
      /** Size of the packet in bytes */
      bytes: number
      /** Bytes queued for sending */
      bufferedAmount: number
    }
  }
  /** Send a packet to many peers. */
  broadcast: {
    parameters: {
      /** As in Godot: 0 all peers (default), an id that peer, -id all except that peer */
      target?: number
    }
    body: Uint8Array | string | { readonly variant: unknown }
    answer: {
      /** Number of recipients */
      recipients: number
    }
  }
  /** List the bans. */
  bans: {
    parameters: Record<never, never>
    body: undefined
    answer: {
      items: Array<Ban>
    }
  }
  /** Ban an address or a range. */
  ban: {
    parameters: Record<never, never>
    body: {
      /** An IP address, or a range such as `192.0.2.0/24` */
      address: string
      /** Duration in seconds; permanent if omitted */
      seconds?: number
      /** Close reason for the client, such as `kicked`: at most 123 bytes of UTF-8 */
      reason?: string
    }
    answer: Ban
  }
  /** Lift a ban. */
  unban: {
    parameters: {
      /** An IP address, or a range such as `192.0.2.0/24` */
      address: string
    }
    body: undefined
    answer: undefined
  }
  /** Follow events. */
  events: {
    parameters: {
      /** Event types, comma-separated; by default all except packet, stats */
      types?: string
      /** Only events about this peer */
      peer?: number
      /** Sample one packet in N, by default 100; at most a hundred samples per second */
      sample?: number
      /** Without `Last-Event-ID`: start with this many of the latest events */
      recent?: number
    }
    body: undefined
    answer: undefined
  }
}

/** How each operation is asked for. */
export const operations = {
  getServer: { method: 'GET', path: '/server', query: [] },
  changeServer: { method: 'PATCH', path: '/server', query: [] },
  isListening: { method: 'GET', path: '/server/listening', query: [] },
  listen: { method: 'POST', path: '/server/listen', query: [] },
  stop: { method: 'POST', path: '/server/stop', query: [] },
  peers: { method: 'GET', path: '/peers', query: ['limit', 'cursor', 'sort', 'order', 'protocol', 'address'] },
  getPeer: { method: 'GET', path: '/peers/{id}', query: [] },
  disconnectPeer: { method: 'DELETE', path: '/peers/{id}', query: ['code', 'reason', 'wait'] },
  hasPeer: { method: 'GET', path: '/peers/{id}/exists', query: [] },
  getPeerAddress: { method: 'GET', path: '/peers/{id}/address', query: [] },
  getPeerPort: { method: 'GET', path: '/peers/{id}/port', query: [] },
  disconnectPeers: { method: 'POST', path: '/peers/disconnect', query: [] },
  putPacket: { method: 'POST', path: '/peers/{id}/packets', query: [] },
  broadcast: { method: 'POST', path: '/packets', query: ['target'] },
  bans: { method: 'GET', path: '/bans', query: [] },
  ban: { method: 'POST', path: '/bans', query: [] },
  unban: { method: 'DELETE', path: '/bans/{address}', query: [] },
  events: { method: 'GET', path: '/events', query: ['types', 'peer', 'sample', 'recent'] }
} as const satisfies { readonly [Name in keyof Operations]: { readonly method: string, readonly path: string, readonly query: readonly string[] } }
