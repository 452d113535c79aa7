/**
 * Plays one round of examples/arena with four real Godot players, and says how it went; any line a player
 * prints, any refusal, and any difference between what server and players know at the end is an error.
 *
 *   npx tsx test/soak/arena.ts [seconds, 60]
 */
import { deepStrictEqual } from 'node:assert'
import { playArena } from '../helper/arena.ts'

const seconds = Number(process.argv[2] ?? 60)
const { server, bots, ticks, packetsIn, faults } = await playArena(seconds, ['Ann', 'Ben', 'Cat', 'Dan'])
console.log(`${ticks} ticks in ${seconds} s; packets of the players: ${packetsIn.join(', ')}; refused or ` +
  `failed: ${faults}`)
console.log('scores', [...(server[3] as Map<number, unknown>).values()])
deepStrictEqual(faults, 0)
for (const { state, lines } of bots) {
  deepStrictEqual(lines, [])
  deepStrictEqual(state, server)
}
console.log('no error line at any player; all states agree')
