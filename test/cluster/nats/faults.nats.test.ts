import { setTimeout as delay } from 'node:timers/promises'
import t from 'tap'
import { NodeProcess, startNodes } from '../../helper/programs/cluster-process.ts'
import { startNats } from '../../helper/programs/nats.ts'
import { SequencePlayer } from '../../helper/random/sequence-player.ts'
import { until } from '../../helper/until.ts'

/** Players of each node in one room, who see each other. */
async function play (nodes: readonly NodeProcess[], count: number): Promise<SequencePlayer[][]> {
  const players: SequencePlayer[][] = []
  for (const node of nodes) {
    const url = await node.url('arena')
    players.push(await Promise.all(Array.from({ length: count }, () => new SequencePlayer(url).joined())))
  }
  const all = players.flat()
  await until(() => all.every(player => player.peers.size === all.length), () => 'everyone to see everyone')
  return players
}

/** Lets everyone send until the returned function is called; that resolves when everyone has heard what is left. */
function chatter (players: readonly SequencePlayer[]): () => void {
  const timer = setInterval(() => {
    for (const player of players) if (player.socket.readyState === player.socket.OPEN) player.send()
  }, 20)
  return () => { clearInterval(timer) }
}

const faultsOf = (players: readonly SequencePlayer[]): string[] => players.flatMap(({ faults }) => faults)

t.test('a node that is killed under load: the others report all of its peers, once each', async t => {
  const nats = await startNats(t)
  const nodes = await startNodes(t, nats, 3)
  const [a, b, c] = await play(nodes, 8)
  const stop = chatter([...a, ...b, ...c])
  await until(() => a[0].heard > 500)
  nodes[0].signal('SIGKILL')
  const lost = a.map(({ id }) => id)
  const survivors = [...b, ...c]
  await until(() => survivors.every(player => lost.every(id => !player.peers.has(id))), () => 'all to have left')
  for (const node of nodes.slice(1)) {
    const left = node.eventsOf('peer_left')
    t.same(left.map(({ id }) => id).sort(), [...lost].sort(), 'each is reported once')
  }
  for (const player of survivors) for (const id of lost) t.equal(player.left.get(id), 1)
  const opened = (): Array<boolean> => nodes.slice(1).flatMap(node => node.eventsOf('room_opened'))
    .filter(({ room }) => room === 'arena').map(({ failover }) => failover)
  await until(() => opened().length > 0, () => 'another node to be the home of the room')
  t.same(opened(), [true])
  const heard = survivors.map(player => player.heard)
  await until(() => survivors.every((player, at) => player.heard > heard[at] + 200), () => 'the game to continue')
  stop()
  t.same(faultsOf(survivors), [])
  for (const { socket } of survivors) socket.terminate()
})

t.test('a node that is stopped for 10 s and thawed is fenced, and no id is owned twice', async t => {
  const nats = await startNats(t)
  const nodes = await startNodes(t, nats, 2)
  const [a, b] = await play(nodes, 4)
  const stop = chatter([...a, ...b])
  const ids = new Set(b.map(({ id }) => id))
  const stopped = Date.now()
  nodes[1].signal('SIGSTOP')
  await until(() => a.every(player => [...ids].every(id => !player.peers.has(id))), () => 'the stopped node to be lost')
  await delay(10_000 - (Date.now() - stopped))
  nodes[1].signal('SIGCONT')
  await nodes[1].event('lost')
  await until(() => b.every(({ closed }) => closed !== undefined), () => 'its peers to be closed')
  t.same(b.map(({ closed }) => closed), b.map(() => [1001, 'cluster unavailable']))
  for (const player of a) for (const id of ids) t.equal(player.left.get(id), 1, 'nothing of it is heard any more')
  await until(() => nodes[1].eventsOf('ready').length > 1, () => 'it to join again')
  const url = await nodes[1].url('arena')
  const again = await Promise.all(b.map(() => new SequencePlayer(url).joined()))
  await until(() => a.every(player => again.every(({ id }) => player.peers.has(id))), () => 'new peers to be seen')
  t.notOk(again.some(({ id }) => ids.has(id)), 'ids are not used again')
  stop()
  t.same(faultsOf(a), [])
  for (const { socket } of [...a, ...again]) socket.terminate()
})

t.test('a broker that is restarted under load: nothing twice, nothing out of order, every gap reported', async t => {
  const nats = await startNats(t)
  const nodes = await startNodes(t, nats, 3)
  const players = (await play(nodes, 4)).flat()
  const stop = chatter(players)
  await until(() => players.every(({ heard }) => heard > 200))
  await nats.kill()
  await nats.start()
  const heard = players.map(player => player.heard)
  await until(() => players.every((player, at) => player.heard > heard[at] + 500), () => 'the game to continue')
  stop()
  const isQuiet = (): boolean => players.every(player =>
    players.every(other => other === player || player.lastOf(other.id) === other.sent))
  await until(isQuiet, () => 'everyone to have heard the last packets')
  t.same(faultsOf(players), [], 'every gap is between a leave and a join')
  t.same(players.map(({ closed }) => closed), players.map(() => undefined), 'everyone has stayed')
  const missed = players.reduce((sum, player) => sum + player.missed, 0)
  t.equal(missed > 0, nodes.some(node => node.eventsOf('gap').length > 0), `${missed} packets are missing`)
  for (const player of players) t.equal(player.peers.size, players.length)
  for (const { socket } of players) socket.terminate()
})
