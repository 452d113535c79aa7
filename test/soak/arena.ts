/**
 * Plays one round of examples/arena with four real Godot players and prints figures. Fails on any output of a player,
 * any refusal, and any difference between the final states of server and players.
 *
 *   npm run compile && node dist/test/soak/arena.js [seconds, default 60]
 */
import { deepStrictEqual } from 'node:assert'
import { playArena } from '../helper/godot/arena.ts'

const seconds = Number(process.argv[2] ?? 60)
const { soak: { server, bots, ticks, packetsIn, faults } } =
  await playArena(seconds, { soak: ['Ann', 'Ben', 'Cat', 'Dan'] })
console.log(`${ticks} ticks in ${seconds} s; packets by player: ${packetsIn.join(', ')}; refused or failed: ${faults}`)
console.log('scores', [...(server[3] as Map<number, unknown>).values()])
deepStrictEqual(faults, 0)
for (const { state, lines } of bots) {
  deepStrictEqual(lines, [])
  deepStrictEqual(state, server)
}
console.log('no error output of players; all states are equal')
