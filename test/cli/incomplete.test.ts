import t from 'tap'
import { openAdminCluster } from '../helper/admin-cluster.ts'
import { command } from '../helper/programs/command.ts'
import { joinRoom } from '../helper/memory/memory-cluster.ts'

t.test('commands name the nodes of a cluster that did not respond, and exit with 1', async t => {
  const { nodes, urls, broker, buses } = await openAdminCluster(t, 2, { closeTimeout: 60 })
  const clients = [await joinRoom(nodes[0], 'arena'), await joinRoom(nodes[1], 'arena')]
  t.teardown(() => { for (const client of clients) client.disconnect() })
  const env = { PEER_SERVER_URL: urls[0] }
  t.match(await command(['peers'], env), { code: 0, errors: '' })
  broker.cut(buses[1])
  t.teardown(() => { broker.restore(buses[1]) })
  const errors = 'Incomplete: no response from node-1\n'
  const listed = await command(['peers', '--json'], env)
  t.match(listed, { code: 1, errors })
  t.match(JSON.parse(listed.output), [{ id: clients[0].id }])
  for (const [args, output] of [
    [['peers'], /^ID /],
    [['nodes'], /^NODE /],
    [['send', '--text', 'x'], 'sent to 1 peer\n'],
    [['send', '--text', 'x', '--room', 'arena'], 'sent to 1 peer\n'],
    [['kick', '--all'], 'disconnecting 1 peer\n'],
    [['rooms', 'close', 'arena'], /^closing room arena with \d peers?\n$/]
  ] as const) t.match(await command([...args], env), { code: 1, output, errors }, args.join(' '))
  t.match(await command(['kick', String(clients[1].id)], env), { code: 1, output: 'disconnecting 0 peers\n', errors })
})

t.test('a ban that is not shared with all nodes is reported', async t => {
  const { urls, broker, buses } = await openAdminCluster(t, 2)
  broker.cut(buses[0])
  t.teardown(() => { broker.restore(buses[0]) })
  const env = { PEER_SERVER_URL: urls[0] }
  const expected = { code: 1, errors: 'Incomplete: no response from node-1\n' }
  t.match(await command(['ban', '192.0.2.7'], env), { ...expected, output: 'banned 192.0.2.7 permanently\n' })
  t.match(await command(['unban', '192.0.2.7'], env), { ...expected, output: 'lifted the ban on 192.0.2.7\n' })
  t.match(await command(['refuse', 'on'], env), { ...expected, output: 'refusing new connections\n' })
})
