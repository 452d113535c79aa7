import t from 'tap'
import { playArena } from '../helper/godot/arena.ts'
import { skipWithout } from '../helper/programs/skip-without.ts'

const SECONDS = 6
const matches = { ice: ['Ann', 'Ben'], sand: ['Cat', 'Dan'], mud: ['Eve', 'Fay'] }

t.test('three matches of two real players at once: all sides of a match have the same final state', skipWithout(
  'godot3-server'
), async t => {
  const rounds = await playArena(SECONDS, matches)
  for (const [room, names] of Object.entries(matches)) {
    await t.test(`the match ${room}`, async t => {
      const { server, bots, ticks, packetsIn, faults } = rounds[room]
      for (const { state, lines } of bots) {
        t.same(lines, [], 'no error line')
        t.strictSame(state, server)
      }
      t.equal(faults, 0)
      t.ok(Math.abs(ticks - SECONDS * 60) < 30, `${ticks} ticks`)
      for (const count of packetsIn) t.ok(count > SECONDS * 40, `${count} packets of a player`)
      const [, positions, , scores] = server as [number, Map<number, unknown>, unknown, Map<number, [string, number]>]
      t.equal(positions.size, names.length)
      t.same([...scores.values()].map(([name]) => name).sort(), names)
      t.ok([...scores.values()].some(([, points]) => points > 0), 'they run after the coin')
    })
  }
})
