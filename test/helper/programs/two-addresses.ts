import dns, { type LookupAddress } from 'node:dns'

type Answer = (error: null, found: string | LookupAddress[], family?: number) => void

const addresses = [{ address: '127.0.0.1', family: 4 }, { address: '::1', family: 6 }]

/** Gives `localhost` an address of both families in this process, as on most machines; returns how to undo it. */
export function useTwoAddresses (): () => void {
  const { lookup } = dns
  dns.lookup = ((host: string, ...rest: [options: { all?: boolean }, answer: Answer] | [answer: Answer]): void => {
    if (host !== 'localhost') return Reflect.apply(lookup, dns, [host, ...rest])
    const [options, answer] = rest.length === 1 ? [{}, rest[0]] : rest
    process.nextTick(() => {
      if (options.all === true) answer(null, addresses)
      else answer(null, '127.0.0.1', 4)
    })
  }) as typeof lookup
  return () => { dns.lookup = lookup }
}
