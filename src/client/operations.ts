// Written by `npm run openapi` from openapi/openapi.json; a test fails when it is stale.

/** What went wrong (RFC 9457) */
export interface Problem {
  /** URI of the kind of problem */
  type: string
  /** The kind of problem, in words */
  title: string
  /** HTTP status */
  status: number
  /** What is wrong in this case */
  detail: string
  /** Id of the request, as in the log */
  instance?: string
  /** Stable code: the name of Godot's Error, or a name in kebab case */
  code: string
  /** Godot's Error number */
  godotError?: number
  /** What in the request does not fit its schema */
  errors?: Array<{
    /** JSON pointer to the culprit, led by the part of the request */
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
  /** Sub-protocol agreed on, empty for none */
  protocol: string
  /** Closing: a close frame is out and unanswered */
  state: 'open' | 'closing' | 'ended'
  /** When it connected */
  connectedAt: string
  /** Packets that came from it */
  packetsIn: number
  /** Packets sent to it */
  packetsOut: number
  /** Payload bytes that came from it */
  bytesIn: number
  /** Payload bytes sent to it */
  bytesOut: number
  /** Bytes that wait to go out */
  bufferedAmount: number
  /**
   * What the application gave it when it joined, as far as JSON can show it: a BigInt as text, what contains itself as
   * `[circular]`
   */
  data?: unknown
}

/** The state of the server */
export interface State {
  /** Whether clients may come */
  listening: boolean
  /** On the endpoint of the host app, or on a port of its own */
  mode: 'mounted' | 'own'
  /** Address that the server's own listener binds to; `*`: all IPv4 and IPv6 addresses */
  bindIp: string
  /** The bound port, 0 while there is none */
  port: number
  /** URL path of the mounted endpoint */
  path: string
  /** Whether clients come by wss */
  tls: boolean
  /** Supported subprotocols, in order of preference. If empty, clients must not request one */
  protocols: Array<string>
  /** Use Godot's multiplayer protocol, which assigns ids, announces peers and relays packets */
  gdMpApi: boolean
  /** Godot version of the clients, which determines the multiplayer protocol and the encoding of Variants */
  wire: 'godot3' | 'godot4'
  /** Refuse all new connections; connected peers stay */
  refuseNewConnections: boolean
  /** Maximum duration of a handshake, in seconds */
  handshakeTimeout: number
  /** Limits per peer, as they work */
  buffers: {
    /** Size of a peer's input queue in KiB, rounded up to a power of two */
    inputBufferKb: number
    /** Maximum number of packets in a peer's input queue, rounded up to a power of two */
    inputMaxPackets: number
    /** Size of a peer's output queue in KiB, rounded up to a power of two */
    outputBufferKb: number
    /** Maximum number of packets in a peer's output queue, rounded up to a power of two */
    outputMaxPackets: number
  }
  /** How many are there */
  peers: {
    /** Peers that packets go to and come from */
    open: number
    /** Peers whose end is under way */
    closing: number
    /** Handshakes under way */
    pending: number
  }
  /** What clients are held to */
  limits: {
    /** Maximum number of peers; 0: no limit */
    maxPeers: number
    /** Maximum number of connections per address (IPv6: per /64); loopback is exempt; 0: no limit */
    maxPeersPerAddress: number
    /** Maximum number of pending handshakes */
    maxPendingHandshakes: number
    /**
     * Maximum packets per second received from a peer. A peer that exceeds it is read more slowly, and closed with 1008
     * if it keeps exceeding it; 0: no limit
     */
    maxPacketsPerSecond: number
    /**
     * Maximum payload bytes per second received from a peer. A peer that exceeds it is read more slowly, and closed
     * with 1008 if it keeps exceeding it; 0: no limit
     */
    maxBytesPerSecond: number
    /** Seconds of silence after which a peer is pinged; after twice that time it is disconnected; 0: never */
    pingInterval: number
    /** How often each limit was hit since the start */
    hits: Record<string, number>
  }
  /** Seconds it has been listening */
  uptime: number
}

/** An address or a range of them that may not connect */
export interface Ban {
  /** The address or range, in its one spelling */
  address: string
  /** What its clients are told */
  reason: string
  /** When it was banned */
  since: string
  /** When the ban ends by itself; null: never */
  until: string | null
}

/** Parameters, request body and response of each operation. */
export interface Operations {
  /** The state of the server. */
  getServer: {
    parameters: Record<never, never>
    body: undefined
    response: State
  }
  /** Change what may change while it listens. */
  changeServer: {
    parameters: Record<never, never>
    body: {
      /** Refuse all new connections; connected peers stay */
      refuseNewConnections?: boolean
      /** Maximum duration of a handshake, in seconds */
      handshakeTimeout?: number
    }
    response: State
  }
  /** Whether the server is listening. */
  isListening: {
    parameters: Record<never, never>
    body: undefined
    response: {
      /** Whether clients may come */
      listening: boolean
    }
  }
  /** Listen. */
  listen: {
    parameters: Record<never, never>
    body: {
      /** Port to listen on, 0 for any free one */
      port?: number
      /** Supported subprotocols, in order of preference. If empty, clients must not request one */
      protocols?: Array<string>
      /** Use Godot's multiplayer protocol, which assigns ids, announces peers and relays packets */
      gdMpApi?: boolean
    }
    response: State
  }
  /** Stop listening. */
  stop: {
    parameters: Record<never, never>
    body: {
      /** 1000 to 1014 without 1004, 1005, 1006 and 1010, or 3000 to 4999; 4000 up are yours */
      code?: number
      /** Reason for the client, such as `kicked`: up to 123 bytes of UTF-8 */
      reason?: string
    }
    response: State
  }
  /** List the peers. */
  peers: {
    parameters: {
      /** Peers in a page, 100 unless given */
      limit?: number
      /** The `nextCursor` of the page before */
      cursor?: string
      /** What the list is sorted by, `id` unless given; text by its characters */
      sort?:
        | 'id'
        | 'connectedAt'
        | 'address'
        | 'protocol'
        | 'packetsIn'
        | 'packetsOut'
        | 'bytesIn'
        | 'bytesOut'
        | 'bufferedAmount'
      /** Which way, `asc` unless given */
      order?: 'asc' | 'desc'
      /** Peers with this sub-protocol */
      protocol?: string
      /** Peers from this IP address or CIDR range, such as `192.0.2.0/24` */
      address?: string
    }
    body: undefined
    response: {
      items: Array<Peer>
      /** Leads to the next page; null on the last one */
      nextCursor: string | null
    }
  }
  /** One peer. */
  getPeer: {
    parameters: {
      /** Id of the peer */
      id: number
    }
    body: undefined
    response: Peer
  }
  /** Disconnect a peer. */
  disconnectPeer: {
    parameters: {
      /** 1000 to 1014 without 1004, 1005, 1006 and 1010, or 3000 to 4999; 4000 up are yours */
      code?: number
      /** Reason for the client, such as `kicked`: up to 123 bytes of UTF-8 */
      reason?: string
      /** Seconds to wait for the end; without it the answer comes at once */
      wait?: number
      /** Id of the peer */
      id: number
    }
    body: undefined
    response: {
      /** Clean: the client answered; timeout: it did not, in time; reset: the connection broke */
      outcome: 'clean' | 'timeout' | 'reset'
      /** The close code that stands */
      code: number
      /** From the close frame to the end */
      seconds: number
    } | {
      state: 'closing'
    }
  }
  /** Whether a peer is there. */
  hasPeer: {
    parameters: {
      /** Id of the peer */
      id: number
    }
    body: undefined
    response: {
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
    response: {
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
    response: {
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
      /** 1000 to 1014 without 1004, 1005, 1006 and 1010, or 3000 to 4999; 4000 up are yours */
      code?: number
      /** Reason for the client, such as `kicked`: up to 123 bytes of UTF-8 */
      reason?: string
    }
    response: {
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
    response: {
      /** Bytes of the packet */
      bytes: number
      /** Bytes that wait to go out */
      bufferedAmount: number
    }
  }
  /** Send a packet to many peers. */
  broadcast: {
    parameters: {
      /** As in Godot: 0 all, an id that peer, -id all but that one; 0 unless given */
      target?: number
    }
    body: Uint8Array | string | { readonly variant: unknown }
    response: {
      /** Peers it goes to */
      recipients: number
    }
  }
  /** List the bans. */
  bans: {
    parameters: Record<never, never>
    body: undefined
    response: {
      items: Array<Ban>
    }
  }
  /** Ban an address or a range. */
  ban: {
    parameters: Record<never, never>
    body: {
      /** An IP address, or a range such as `192.0.2.0/24` */
      address: string
      /** How long; for ever unless given */
      seconds?: number
      /** Reason for the client, such as `kicked`: up to 123 bytes of UTF-8 */
      reason?: string
    }
    response: Ban
  }
  /** Lift a ban. */
  unban: {
    parameters: {
      /** An IP address, or a range such as `192.0.2.0/24` */
      address: string
    }
    body: undefined
    response: undefined
  }
  /** Follow what happens. */
  events: {
    parameters: {
      /** Types of events, separated by commas; all but packet, stats unless given */
      types?: string
      /** Only what is about this peer */
      peer?: number
      /** Of the packets every so many-th, 100 unless given; a hundred a second at most */
      sample?: number
      /** Without `Last-Event-ID`: begin with so many of the latest events */
      recent?: number
    }
    body: undefined
    response: undefined
  }
}

/** Method, path and query parameters of each operation. */
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
} as const satisfies {
  readonly [Name in keyof Operations]: {
    readonly method: string, readonly path: string, readonly query: readonly string[]
  }
}
