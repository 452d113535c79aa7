/**
 * Whether parts of Node that are not documented may be used where this version has them. Setting the environment
 * variable to `off` forces every fallback, in tests and where a new version of Node is suspected of a fault.
 */
export const mayUseInternals: boolean = process.env.PEER_SERVER_INTERNALS !== 'off'
