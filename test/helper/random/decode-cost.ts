/**
 * Nanoseconds of processor time a byte to `decode` these bytes: the least of several attempts, the first of which warm
 * up.
 */
export function decodeCost (bytes: Uint8Array, decode: (bytes: Uint8Array) => void, attempts = 12): number {
  let least = Infinity
  let spent = 0
  for (let attempt = 0; attempt < attempts && (attempt < 3 || spent < 50_000); attempt++) {
    const start = process.cpuUsage()
    const rounds = Math.max(1, Math.floor(65536 / bytes.length))
    for (let round = 0; round < rounds; round++) decode(bytes)
    const { user, system } = process.cpuUsage(start)
    spent += user + system
    least = Math.min(least, (user + system) / rounds)
  }
  return least * 1000 / bytes.length
}
