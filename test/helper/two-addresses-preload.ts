import { useTwoAddresses } from './two-addresses.ts'

// For `node --import`.
useTwoAddresses()
