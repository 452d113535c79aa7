/**
 * Flags of Node for programs that run for seconds, beside others on all processors. Threads that help to collect
 * garbage take more time from the others than they save; so does the optimizing compiler, which Node 20 can be told to
 * start later: its default is 67,584.
 */
export const shortRun = [
  '--single-threaded-gc',
  ...(process.versions.node.startsWith('20.') ? ['--interrupt-budget=1000000'] : [])
]
