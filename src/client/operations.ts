// Written by `npm run openapi` from openapi/openapi.json; a test fails when it is stale.

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

/** The node; `peers` and `rooms` are missing if it is unreachable */
export interface Node {
  /** Id of the node */
  id: string
  /** The upper 10 bits of the ids of its peers; 0 while it is not in the cluster */
  slot: number
  /** joining: it is not in the cluster yet, or no longer; unreachable: it did not respond within 2 s */
  state: 'ready' | 'draining' | 'joining' | 'unreachable'
  /** When it joined the cluster, or this node began to listen */
  since: string
  /** Number of peers by state */
  peers?: {
    /** Open peers */
    open: number
    /** Closing peers */
    closing: number
    /** Pending handshakes */
    pending: number
  }
  /** Number of rooms that have their home there */
  rooms?: number
}

/** The peer */
export interface Peer {
  /** Id of the peer */
  id: number
  /** Address of the client */
  address: string
  /** Port of the client */
  port: number
  /** Room that it is in; `main` unless the server has others */
  room: string
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
  /** Id of the node that it is connected to, in a cluster */
  node?: string
  /**
   * Data from the application's `onHandshake`, as far as JSON can represent them: a BigInt as text, a circular
   * reference as `[circular]`
   */
  data?: unknown
}

/** The peer */
export interface PeerDetails {
  /** Id of the peer */
  id: number
  /** Address of the client */
  address: string
  /** Port of the client */
  port: number
  /** Room that it is in; `main` unless the server has others */
  room: string
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
  /** Id of the node that it is connected to, in a cluster */
  node?: string
  /**
   * Data from the application's `onHandshake`, as far as JSON can represent them: a BigInt as text, a circular
   * reference as `[circular]`
   */
  data?: unknown
  /** Whether nothing is read from it at the moment: a rate limit applies, or a queue is full */
  paused: boolean
  /** Packets from it that the application has not read yet */
  unreadPackets: number
  /** Its upgrade request */
  handshake?: {
    /** Path and query; tokens in it are masked */
    url: string
    /** Headers by lower-case name. Only values that are known to hold no secret are shown, others are `***` */
    headers: Record<string, string>
  }
}

/** The room */
export interface Room {
  /** Name of the room */
  name: string
  /** When it was opened */
  openedAt: string
  /** Number of its peers, including closing ones */
  peers: number
  /** Maximum number of peers; 0: no limit */
  maxPeers: number
  /** Whether new clients are refused */
  locked: boolean
  /** Whether the lobby shows it */
  listed: boolean
  /** Seconds that it stays open after its last peer has left */
  emptyTimeout: number
  /** Data that the lobby shows */
  data: Record<string, unknown>
  /** Id of the node that is its home, in a cluster; missing while it has none */
  node?: string
}

/** The state of the server */
export interface State {
  /** Whether the server is listening */
  listening: boolean
  /** On the endpoint of the host app, or on a listener of its own */
  mode: 'mounted' | 'own'
  /** Address that the server's own listener binds to; `*`: all IPv4 and IPv6 addresses */
  bindIp: string
  /** The bound port, 0 while not listening */
  port: number
  /** URL path of the mounted endpoint */
  path: string
  /** Whether clients connect with wss */
  tls: boolean
  /**
   * Supported subprotocols; the first one that a client requests and that is among them is chosen. If empty, clients
   * must not request one
   */
  protocols: Array<string>
  /** Use Godot's multiplayer protocol, which assigns ids, announces peers and relays packets */
  gdMpApi: boolean
  /** Godot version of the clients, which determines the multiplayer protocol and the encoding of Variants */
  wire: 'godot3' | 'godot4'
  /** Refuse all new connections and pending handshakes; connected peers stay */
  refuseNewConnections: boolean
  /** Maximum duration of a handshake, in seconds */
  handshakeTimeout: number
  /** Effective limits per peer */
  buffers: {
    /** Size of a peer's input buffer in KiB, rounded up to a power of two */
    inputBufferKb: number
    /** Maximum number of packets in a peer's input buffer, rounded up to a power of two */
    inputMaxPackets: number
    /** Size of a peer's output buffer in KiB, rounded up to a power of two */
    outputBufferKb: number
    /** Maximum number of packets in a peer's output buffer, rounded up to a power of two */
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
  /** Rooms of the server */
  rooms: {
    /** Whether there can be other rooms than `main` (option `rooms`) */
    enabled: boolean
    /** Number of rooms, including `main` */
    count: number
  }
  /** Limits for clients */
  limits: {
    /** Maximum number of peers; 0: no limit */
    maxPeers: number
    /** Maximum number of connections per address (IPv6: per /64); loopback is exempt; 0: no limit */
    maxPeersPerAddress: number
    /** Maximum joins per minute and address (IPv6: per /64); loopback is exempt; 0: no limit */
    maxJoinsPerMinute: number
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
    /** Number of times each limit was hit since the start */
    hits: Record<string, number>
  }
  /** What `changeServer` can change */
  settings: {
    /** Maximum duration of authentication by `authenticate`, in seconds */
    authTimeout: number
    /** Maximum duration of a handshake, in seconds */
    handshakeTimeout: number
    /** Refuse all new connections and pending handshakes; connected peers stay */
    refuseNewConnections: boolean
    /** Seconds that a client has to answer a close frame before its connection is destroyed */
    closeTimeout: number
    /**
     * Close code sent to peers when the server stops: 1001 (going away) or 1012 (service restart), which Godot 3 games
     * do not notice
     */
    stopCode: 1001 | 1012
    /** Seconds of silence after which a peer is pinged; after twice that time it is disconnected; 0: never */
    pingInterval: number
    /**
     * Support permessage-deflate (RFC 7692) without context takeover: clients may compress their messages. The server
     * compresses messages of 1 KiB or more that `putPacket` sends to one peer, but no broadcasts
     */
    perMessageDeflate: boolean
    /** Maximum number of peers; 0: no limit */
    maxPeers: number
    /** Maximum number of connections per address (IPv6: per /64); loopback is exempt; 0: no limit */
    maxPeersPerAddress: number
    /** Maximum joins per minute and address (IPv6: per /64); loopback is exempt; 0: no limit */
    maxJoinsPerMinute: number
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
    /**
     * Origins whose pages may connect: `*` for all, or a list such as `https://game.example` or
     * `https://*.game.example` (one label); if not set, only the same host. Clients that send no Origin header, such as
     * native games, may always connect; null: not set
     */
    allowedOrigins: '*' | Array<string> | null
    /** Rules of option `rooms` in effect; false: all peers are in `main` */
    rooms: false | {
      /**
       * Who opens rooms: the first client that asks for it (`join`), or only the application, the REST API and the
       * lobby (`admin`)
       */
      create?: 'join' | 'admin'
      /** Maximum number of rooms besides `main` */
      maxRooms?: number
      /** Maximum number of peers per room, unless the room has a limit of its own; 0: no limit */
      maxPeersPerRoom?: number
      /** Seconds that a room stays open without peers */
      emptyTimeout?: number
      /** Maximum number of rooms that clients of one address open per minute; 0: no limit */
      joinPerMinute?: number
    }
  }
  /** Seconds since it started listening */
  uptime: number
  /** Id of the node that responds, in a cluster */
  node?: string
  /** Some nodes of the cluster did not respond within 2 s */
  partial?: true
  /** Ids of the nodes that did not respond */
  unreachable?: Array<string>
}

/** An address or range whose clients may not connect */
export interface Ban {
  /** The address or range, in canonical form */
  address: string
  /** Reason sent to its clients */
  reason: string
  /** When it was created */
  since: string
  /** When the ban expires; null: never */
  until: string | null
  /** Some nodes of the cluster did not respond within 2 s */
  partial?: true
  /** Ids of the nodes that did not respond */
  unreachable?: Array<string>
}

/** Parameters, request body and response of each operation. */
export interface Operations {
  /** List the nodes of the cluster. */
  listNodes: {
    parameters: Record<string, never>
    body: undefined
    response: {
      items: Array<Node>
      /** Some nodes of the cluster did not respond within 2 s */
      partial?: true
      /** Ids of the nodes that did not respond */
      unreachable?: Array<string>
    }
  }
  /** Get a node of the cluster. */
  getNode: {
    parameters: {
      /** Id of the node */
      node: string
    }
    body: undefined
    response: Node
  }
  /** Drain a node of the cluster. */
  drainNode: {
    parameters: {
      /** Id of the node */
      node: string
    }
    body: {
      /** Close reason for the client, such as `kicked`: at most 123 bytes of UTF-8 */
      reason?: string
    }
    response: {
      state: 'draining'
      /** Peers that are being closed */
      peers: number
    }
  }
  /** Get the state of the server. */
  getServer: {
    parameters: Record<string, never>
    body: undefined
    response: State
  }
  /** Change settings while listening. */
  changeServer: {
    parameters: {
      /** In a cluster: `cluster` (default) for all nodes, `local` for the one that responds */
      scope?: 'local' | 'cluster'
    }
    body: {
      /** Maximum duration of authentication by `authenticate`, in seconds */
      authTimeout?: number
      /** Maximum duration of a handshake, in seconds */
      handshakeTimeout?: number
      /** Refuse all new connections and pending handshakes; connected peers stay */
      refuseNewConnections?: boolean
      /** Seconds that a client has to answer a close frame before its connection is destroyed */
      closeTimeout?: number
      /**
       * Close code sent to peers when the server stops: 1001 (going away) or 1012 (service restart), which Godot 3
       * games do not notice
       */
      stopCode?: 1001 | 1012
      /** Seconds of silence after which a peer is pinged; after twice that time it is disconnected; 0: never */
      pingInterval?: number
      /**
       * Support permessage-deflate (RFC 7692) without context takeover: clients may compress their messages. The server
       * compresses messages of 1 KiB or more that `putPacket` sends to one peer, but no broadcasts
       */
      perMessageDeflate?: boolean
      /** Maximum number of peers; 0: no limit */
      maxPeers?: number
      /** Maximum number of connections per address (IPv6: per /64); loopback is exempt; 0: no limit */
      maxPeersPerAddress?: number
      /** Maximum joins per minute and address (IPv6: per /64); loopback is exempt; 0: no limit */
      maxJoinsPerMinute?: number
      /** Maximum number of pending handshakes */
      maxPendingHandshakes?: number
      /**
       * Maximum packets per second received from a peer. A peer that exceeds it is read more slowly, and closed with
       * 1008 if it keeps exceeding it; 0: no limit
       */
      maxPacketsPerSecond?: number
      /**
       * Maximum payload bytes per second received from a peer. A peer that exceeds it is read more slowly, and closed
       * with 1008 if it keeps exceeding it; 0: no limit
       */
      maxBytesPerSecond?: number
      /**
       * Origins whose pages may connect: `*` for all, or a list such as `https://game.example` or
       * `https://*.game.example` (one label); if not set, only the same host. Clients that send no Origin header, such
       * as native games, may always connect; null: not set
       */
      allowedOrigins?: '*' | Array<string> | null
      /** Rules of option `rooms` to change; omitted ones are kept */
      rooms?: {
        /**
         * Who opens rooms: the first client that asks for it (`join`), or only the application, the REST API and the
         * lobby (`admin`)
         */
        create?: 'join' | 'admin'
        /** Maximum number of rooms besides `main` */
        maxRooms?: number
        /** Maximum number of peers per room, unless the room has a limit of its own; 0: no limit */
        maxPeersPerRoom?: number
        /** Seconds that a room stays open without peers */
        emptyTimeout?: number
        /** Maximum number of rooms that clients of one address open per minute; 0: no limit */
        joinPerMinute?: number
      }
    }
    response: State
  }
  /** Whether the server is listening. */
  isListening: {
    parameters: Record<string, never>
    body: undefined
    response: {
      /** Whether the server is listening */
      listening: boolean
    }
  }
  /** Start listening. */
  listen: {
    parameters: Record<string, never>
    body: {
      /** Port to listen on; 0: any free port */
      port?: number
      /**
       * Supported subprotocols; the first one that a client requests and that is among them is chosen. If empty,
       * clients must not request one
       */
      protocols?: Array<string>
      /** Use Godot's multiplayer protocol, which assigns ids, announces peers and relays packets */
      gdMpApi?: boolean
    }
    response: State
  }
  /** Stop listening. */
  stop: {
    parameters: Record<string, never>
    body: {
      /** Close code: 1000-1014 (except 1004-1006, 1010) or 3000-4999. Codes from 4000 are for applications */
      code?: number
      /** Close reason for the client, such as `kicked`: at most 123 bytes of UTF-8 */
      reason?: string
    }
    response: State
  }
  /** List the rooms. */
  listRooms: {
    parameters: {
      /** Rooms per page, by default 100 */
      limit?: number
      /** `nextCursor` of the previous page */
      cursor?: string
      /** Sort key, by default `name`; text sorts by code unit */
      sort?: 'name' | 'peers' | 'openedAt'
      /** Sort order, by default `asc` */
      order?: 'asc' | 'desc'
      /** Rooms that the lobby shows, or those that it does not */
      listed?: boolean
      /** Rooms whose name contains this text */
      q?: string
      /** In a cluster: `cluster` (default) for all nodes, `local` for the one that responds */
      scope?: 'local' | 'cluster'
    }
    body: undefined
    response: {
      items: Array<Room>
      /** Cursor of the next page; null on the last page */
      nextCursor: string | null
      /** About the whole list */
      meta: {
        /** Number of items on all pages */
        count: number
      }
      /** Some nodes of the cluster did not respond within 2 s */
      partial?: true
      /** Ids of the nodes that did not respond */
      unreachable?: Array<string>
    }
  }
  /** Open a room. */
  openRoom: {
    parameters: Record<string, never>
    body: {
      /** Name of the room */
      name?: string
      /** Maximum number of peers; 0: no limit. Default: `maxPeersPerRoom` */
      maxPeers?: number
      /** Whether new clients are refused; default false */
      locked?: boolean
      /** Whether the lobby shows it; default true */
      listed?: boolean
      /** Seconds that it stays open after its last peer has left. Default: that of option `rooms` */
      emptyTimeout?: number
      /** Data that the lobby shows: at most 4096 bytes of JSON; default {} */
      data?: Record<string, unknown>
    }
    response: Room
  }
  /** Get a room. */
  getRoom: {
    parameters: {
      /** Name of the room */
      room: string
    }
    body: undefined
    response: Room
  }
  /** Change settings of a room. */
  updateRoom: {
    parameters: {
      /** Name of the room */
      room: string
    }
    body: {
      /** Maximum number of peers; 0: no limit. Default: `maxPeersPerRoom` */
      maxPeers?: number
      /** Whether new clients are refused; default false */
      locked?: boolean
      /** Whether the lobby shows it; default true */
      listed?: boolean
      /** Seconds that it stays open after its last peer has left. Default: that of option `rooms` */
      emptyTimeout?: number
      /** Data that the lobby shows: at most 4096 bytes of JSON; default {} */
      data?: Record<string, unknown>
    }
    response: Room
  }
  /** Close a room. */
  closeRoom: {
    parameters: {
      /** Close code: 1000-1014 (except 1004-1006, 1010) or 3000-4999. Codes from 4000 are for applications */
      code?: number
      /** Close reason for the client, such as `kicked`: at most 123 bytes of UTF-8 */
      reason?: string
      /** Name of the room */
      room: string
    }
    body: undefined
    response: {
      state: 'closing'
      /** Peers that are being closed */
      peers: number
      /** Some nodes of the cluster did not respond within 2 s */
      partial?: true
      /** Ids of the nodes that did not respond */
      unreachable?: Array<string>
    }
  }
  /** List the peers of a room. */
  listRoomPeers: {
    parameters: {
      /** Peers per page, by default 100 */
      limit?: number
      /** `nextCursor` of the previous page */
      cursor?: string
      /** Sort key, by default `id`; text sorts by code unit */
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
      /** Sort order, by default `asc` */
      order?: 'asc' | 'desc'
      /** Peers with this subprotocol */
      protocol?: string
      /** Peers from this IP address or CIDR range, such as `192.0.2.0/24` */
      address?: string
      /** In a cluster: `cluster` (default) for all nodes, `local` for the one that responds */
      scope?: 'local' | 'cluster'
      /** Name of the room */
      room: string
    }
    body: undefined
    response: {
      items: Array<Peer>
      /** Cursor of the next page; null on the last page */
      nextCursor: string | null
      /** About the whole list */
      meta: {
        /** Number of items on all pages */
        count: number
      }
      /** Some nodes of the cluster did not respond within 2 s */
      partial?: true
      /** Ids of the nodes that did not respond */
      unreachable?: Array<string>
    }
  }
  /** List the peers. */
  peers: {
    parameters: {
      /** Peers per page, by default 100 */
      limit?: number
      /** `nextCursor` of the previous page */
      cursor?: string
      /** Sort key, by default `id`; text sorts by code unit */
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
      /** Sort order, by default `asc` */
      order?: 'asc' | 'desc'
      /** Peers with this subprotocol */
      protocol?: string
      /** Peers from this IP address or CIDR range, such as `192.0.2.0/24` */
      address?: string
      /** Peers in this room */
      room?: string
      /** Peers whose `data` has these members, such as `{"user":"alice"}`: a JSON object */
      data?: string
      /** In a cluster: `cluster` (default) for all nodes, `local` for the one that responds */
      scope?: 'local' | 'cluster'
    }
    body: undefined
    response: {
      items: Array<Peer>
      /** Cursor of the next page; null on the last page */
      nextCursor: string | null
      /** About the whole list */
      meta: {
        /** Number of items on all pages */
        count: number
      }
      /** Some nodes of the cluster did not respond within 2 s */
      partial?: true
      /** Ids of the nodes that did not respond */
      unreachable?: Array<string>
    }
  }
  /** Get a peer. */
  getPeer: {
    parameters: {
      /** Id of the peer */
      id: number
    }
    body: undefined
    response: PeerDetails
  }
  /** Disconnect a peer. */
  disconnectPeer: {
    parameters: {
      /** Close code: 1000-1014 (except 1004-1006, 1010) or 3000-4999. Codes from 4000 are for applications */
      code?: number
      /** Close reason for the client, such as `kicked`: at most 123 bytes of UTF-8 */
      reason?: string
      /** Seconds to wait for the disconnect; without it the response comes immediately */
      wait?: number
      /** Id of the peer */
      id: number
    }
    body: undefined
    response: {
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
    parameters: Record<string, never>
    body: {
      /** Only these peers */
      ids?: Array<number>
      /** Peers that match the filter */
      filter?: {
        /** Peers with this subprotocol */
        protocol?: string
        /** Peers from this IP address or CIDR range, such as `192.0.2.0/24` */
        address?: string
        /** Peers in this room */
        room?: string
        /** Peers whose `data` has these members, such as `{"user":"alice"}` */
        data?: Record<string, unknown>
      }
      /** All peers */
      all?: true
      /** Except these peers */
      excluded?: Array<number>
      /** Close code: 1000-1014 (except 1004-1006, 1010) or 3000-4999. Codes from 4000 are for applications */
      code?: number
      /** Close reason for the client, such as `kicked`: at most 123 bytes of UTF-8 */
      reason?: string
    }
    response: {
      /** Peers that are closing now */
      requested: number
      /** Those of `ids` that are not connected */
      notFound: Array<number>
      /** Some nodes of the cluster did not respond within 2 s */
      partial?: true
      /** Ids of the nodes that did not respond */
      unreachable?: Array<string>
    }
  }
  /** Send a packet to one peer. */
  putPacket: {
    parameters: {
      /**
       * For clients of Godot 3 in multiplayer mode: send the bytes as they are. By default the clients deliver the
       * packet as `network_peer_packet`: a command byte is prepended for this
       */
      raw?: boolean
      /** Id of the peer */
      id: number
    }
    body: string | Uint8Array | { readonly variant: unknown }
    response: {
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
      /** Ids of peers that do not get the packet, comma-separated, at most a thousand; only with target 0 */
      excluded?: string
      /**
       * For clients of Godot 3 in multiplayer mode: send the bytes as they are. By default the clients deliver the
       * packet as `network_peer_packet`: a command byte is prepended for this
       */
      raw?: boolean
      /** Ids of the peers that get the packet, comma-separated, at most a thousand; only with target 0 */
      ids?: string
      /** Peers with this subprotocol */
      protocol?: string
      /** Peers from this IP address or CIDR range, such as `192.0.2.0/24` */
      address?: string
      /** Peers in this room */
      room?: string
      /** Peers whose `data` has these members, such as `{"user":"alice"}`: a JSON object */
      data?: string
    }
    body: string | Uint8Array | { readonly variant: unknown }
    response: {
      /** Number of recipients */
      recipients: number
      /** Some nodes of the cluster did not respond within 2 s */
      partial?: true
      /** Ids of the nodes that did not respond */
      unreachable?: Array<string>
    }
  }
  /** Send a packet to the peers of a room. */
  putRoomPacket: {
    parameters: {
      /** As in Godot: 0 all peers (default), an id that peer, -id all except that peer */
      target?: number
      /** Ids of peers that do not get the packet, comma-separated, at most a thousand; only with target 0 */
      excluded?: string
      /**
       * For clients of Godot 3 in multiplayer mode: send the bytes as they are. By default the clients deliver the
       * packet as `network_peer_packet`: a command byte is prepended for this
       */
      raw?: boolean
      /** Name of the room */
      room: string
    }
    body: string | Uint8Array | { readonly variant: unknown }
    response: {
      /** Number of recipients */
      recipients: number
      /** Some nodes of the cluster did not respond within 2 s */
      partial?: true
      /** Ids of the nodes that did not respond */
      unreachable?: Array<string>
    }
  }
  /** List the bans. */
  bans: {
    parameters: Record<string, never>
    body: undefined
    response: {
      items: Array<Ban>
      /** About the whole list */
      meta: {
        /** Number of items on all pages */
        count: number
      }
    }
  }
  /** Ban an address or a range. */
  ban: {
    parameters: Record<string, never>
    body: {
      /** An IP address, or a range such as `192.0.2.0/24` */
      address: string
      /** Duration in seconds; permanent if omitted */
      seconds?: number
      /** Close reason for the client, such as `kicked`: at most 123 bytes of UTF-8 */
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
    response: {
      /** Some nodes of the cluster did not respond within 2 s */
      partial?: true
      /** Ids of the nodes that did not respond */
      unreachable?: Array<string>
    } | undefined
  }
  /** Ban the addresses of peers. */
  banPeers: {
    parameters: Record<string, never>
    body: {
      /** Only these peers */
      ids?: Array<number>
      /** Peers that match the filter */
      filter?: {
        /** Peers with this subprotocol */
        protocol?: string
        /** Peers from this IP address or CIDR range, such as `192.0.2.0/24` */
        address?: string
        /** Peers in this room */
        room?: string
        /** Peers whose `data` has these members, such as `{"user":"alice"}` */
        data?: Record<string, unknown>
      }
      /** All peers */
      all?: true
      /** Except these peers */
      excluded?: Array<number>
      /** Duration in seconds; permanent if omitted */
      seconds?: number
      /** Close reason for the client, such as `kicked`: at most 123 bytes of UTF-8 */
      reason?: string
    }
    response: {
      /** Peers that were selected */
      peers: number
      /** Addresses or networks that are banned; in a cluster each counts once per node with peers from it */
      banned: number
      /** Those of `ids` that are not connected */
      notFound: Array<number>
      /** Some nodes of the cluster did not respond within 2 s */
      partial?: true
      /** Ids of the nodes that did not respond */
      unreachable?: Array<string>
    }
  }
  /** Get the traffic of the last ten minutes. */
  getHistory: {
    parameters: {
      /** In a cluster: `cluster` (default) for all nodes, `local` for the one that responds */
      scope?: 'local' | 'cluster'
    }
    body: undefined
    response: {
      /** Seconds from one sample to the next */
      interval: 1
      /** When the latest sample was taken */
      at: string
      /** Open peers */
      peers: Array<number>
      /** Packets received per second */
      packetsIn: Array<number>
      /** Packets sent per second */
      packetsOut: Array<number>
      /** Payload bytes received per second */
      bytesIn: Array<number>
      /** Payload bytes sent per second */
      bytesOut: Array<number>
      /** Some nodes of the cluster did not respond within 2 s */
      partial?: true
      /** Ids of the nodes that did not respond */
      unreachable?: Array<string>
    }
  }
  /** Follow events. */
  events: {
    parameters: {
      /** Event types, comma-separated; by default all except packet, stats */
      types?: string
      /** Only events about this peer */
      peer?: number
      /** Only events about this room and its peers */
      room?: string
      /** In a cluster: `cluster` (default) for all nodes, `local` for the one that responds */
      scope?: 'local' | 'cluster'
      /** Sample one packet in N, by default 100; at most a hundred samples per second */
      sample?: number
      /**
       * Merge what happens to many peers or rooms at once: from the 51st event of the same type and cause on, those
       * that wait to be sent become one event `merged`
       */
      merge?: boolean
      /** Seconds after which the stream ends; without it only the client ends it */
      duration?: number
      /** Without `Last-Event-ID`: start with this many of the latest events */
      recent?: number
    }
    body: undefined
    response: undefined
  }
}

/** Method, path and query parameters of each operation. */
export const operations = {
  listNodes: { method: 'GET', path: '/nodes', query: [] },
  getNode: { method: 'GET', path: '/nodes/{node}', query: [] },
  drainNode: { method: 'POST', path: '/nodes/{node}/drain', query: [] },
  getServer: { method: 'GET', path: '/server', query: [] },
  changeServer: { method: 'PATCH', path: '/server', query: ['scope'] },
  isListening: { method: 'GET', path: '/server/listening', query: [] },
  listen: { method: 'POST', path: '/server/listen', query: [] },
  stop: { method: 'POST', path: '/server/stop', query: [] },
  listRooms: { method: 'GET', path: '/rooms', query: ['limit', 'cursor', 'sort', 'order', 'listed', 'q', 'scope'] },
  openRoom: { method: 'POST', path: '/rooms', query: [] },
  getRoom: { method: 'GET', path: '/rooms/{room}', query: [] },
  updateRoom: { method: 'PATCH', path: '/rooms/{room}', query: [] },
  closeRoom: { method: 'DELETE', path: '/rooms/{room}', query: ['code', 'reason'] },
  listRoomPeers: {
    method: 'GET', path: '/rooms/{room}/peers', query: ['limit', 'cursor', 'sort', 'order', 'protocol', 'address', 'scope']
  },
  peers: {
    method: 'GET', path: '/peers', query: ['limit', 'cursor', 'sort', 'order', 'protocol', 'address', 'room', 'data', 'scope']
  },
  getPeer: { method: 'GET', path: '/peers/{id}', query: [] },
  disconnectPeer: { method: 'DELETE', path: '/peers/{id}', query: ['code', 'reason', 'wait'] },
  hasPeer: { method: 'GET', path: '/peers/{id}/exists', query: [] },
  getPeerAddress: { method: 'GET', path: '/peers/{id}/address', query: [] },
  getPeerPort: { method: 'GET', path: '/peers/{id}/port', query: [] },
  disconnectPeers: { method: 'POST', path: '/peers/disconnect', query: [] },
  putPacket: { method: 'POST', path: '/peers/{id}/packets', query: ['raw'] },
  broadcast: {
    method: 'POST', path: '/packets', query: ['target', 'excluded', 'raw', 'ids', 'protocol', 'address', 'room', 'data']
  },
  putRoomPacket: { method: 'POST', path: '/rooms/{room}/packets', query: ['target', 'excluded', 'raw'] },
  bans: { method: 'GET', path: '/bans', query: [] },
  ban: { method: 'POST', path: '/bans', query: [] },
  unban: { method: 'DELETE', path: '/bans/{address}', query: [] },
  banPeers: { method: 'POST', path: '/peers/ban', query: [] },
  getHistory: { method: 'GET', path: '/server/history', query: ['scope'] },
  events: {
    method: 'GET', path: '/events', query: ['types', 'peer', 'room', 'scope', 'sample', 'merge', 'duration', 'recent']
  }
} as const satisfies {
  readonly [Name in keyof Operations]: {
    readonly method: string, readonly path: string, readonly query: readonly string[]
  }
}
