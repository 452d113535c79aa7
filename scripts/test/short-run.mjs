/**
 * Flags of Node for programs that run for seconds, beside others on all processors. Threads that help to collect
 * garbage take more time from the others than they save; so does the optimizing compiler, which starts
 * later with a larger interrupt budget. Its default is 67,584; later versions of Node have no such flag.
 */
export const shortRun = [
  '--single-threaded-gc',
  ...(process.versions.node.startsWith('20.') ? ['--interrupt-budget=1000000'] : [])
]
