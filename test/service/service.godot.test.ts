import t, { type Test } from 'tap'
import { joinServer, startGodot, type GodotClient } from '../helper/godot/godot.ts'
import { skipWithout } from '../helper/programs/skip-without.ts'
import { startService, type Service } from '../helper/programs/service.ts'

t.test('three Godot games connect through the service', skipWithout('godot3-server'), async t => {
  const service = await startService(t)
  const [ann, ben, cat] = await Promise.all([1, 2, 3].map(() => startGodot(t, 'multiplayer_client')))

  const a = await joinServer(ann, service.port)
  await hasJust(t, service, [a])

  const b = await joinServer(ben, service.port)
  await ann.event('network_peer_connected', ({ id }) => id === b)
  await ben.event('network_peer_connected', ({ id }) => id === a)
  await hasJust(t, service, [a, b])

  const c = await joinServer(cat, service.port)
  for (const client of [ann, ben]) await client.event('network_peer_connected', ({ id }) => id === c)
  for (const id of [a, b]) await cat.event('network_peer_connected', event => event.id === id)
  await hasJust(t, service, [a, b, c])

  await t.test('packets reach exactly their targets', async t => {
    const targets = { all: 0, server: 1, 'all but server': -1, ben: b, 'all but ben': -b }
    for (const [name, target] of Object.entries(targets)) {
      t.equal(await ann.run('send_bytes', { bytes: Buffer.from(name), target }), 0)
    }
    // Packets of one sender stay in order, so behind this one nothing is under way.
    await ann.run('send_bytes', { bytes: Buffer.from('end') })
    const received = async (client: GodotClient) => {
      await client.event('network_peer_packet', ({ bytes }) => bytes.toString() === 'end')
      return client.eventsOf('network_peer_packet').map(({ source, bytes }) => [source, bytes.toString()])
    }
    t.same(await received(ben), [[a, 'all'], [a, 'all but server'], [a, 'ben'], [a, 'end']])
    t.same(await received(cat), [[a, 'all'], [a, 'all but server'], [a, 'all but ben'], [a, 'end']])
    t.same(ann.eventsOf('network_peer_packet'), [])
  })

  await t.test('remote calls and sets arrive with their sender', async t => {
    await ben.run('rpc', { method: 'on_remote', args: ['1', '"two"', 'Vector2( 3, 4 )'] })
    await ben.run('rpc', { method: 'on_remote', args: ['"for ann"'], target: a })
    await ben.run('rpc', { method: 'on_remotesync', args: ['"all but ann"'], target: -a })
    await ben.run('rset', { property: 'remote_value', value: '[ 1, null ]' })
    await ben.run('rpc', { method: 'on_remote', args: ['"end"'] })
    const received = async (client: GodotClient) => {
      await client.event('rpc', ({ args }) => args[0] === '"end"')
      return client.eventsOf('rpc', 'rset').map(({ event, node, source, ...rest }) => {
        t.same([node, source], ['Main', b])
        return rest
      })
    }
    const called = (method: string, ...args: string[]) => ({ method, args })
    const toAll = called('on_remote', '1', '"two"', 'Vector2( 3, 4 )')
    const set = { property: 'remote_value', value: '[ 1, null ]' }
    const end = called('on_remote', '"end"')
    t.same(await received(ann), [toAll, called('on_remote', '"for ann"'), set, end])
    t.same(await received(cat), [toAll, called('on_remotesync', '"all but ann"'), set, end])
  })

  await t.test('a call to all is one packet, once everybody has confirmed its path', async t => {
    for (const [game, id] of [[ann, a], [cat, c]] as const) {
      await game.run('send_bytes', { target: b, bytes: Buffer.from('confirmed') })
      await ben.event('network_peer_packet', ({ source, bytes }) => source === id && bytes.toString() === 'confirmed')
    }
    const packets = async (): Promise<number> => (await ask<{ packetsIn: number }>(service, `/peers/${b}`)).packetsIn
    const before = await packets()
    await ben.run('rpc', { method: 'on_remote', args: ['"short"'] })
    for (const game of [ann, cat]) await game.event('rpc', ({ args }) => args[0] === '"short"')
    t.equal(await packets() - before, 1)
  })

  await t.test('the REST API disconnects a game', async t => {
    const answer = await service.api(`/peers/${c}?code=4001&reason=kicked`, { method: 'DELETE' })
    t.equal(answer.status, 202)
    t.same(await answer.json(), { state: 'closing' })
    t.match(await cat.event('server_close_request'), { code: 4001, reason: 'kicked' })
    for (const client of [ann, ben]) await client.event('network_peer_disconnected', ({ id }) => id === c)
    await hasJust(t, service, [a, b], c)
  })

  await t.test('a game that is killed by SIGKILL leaves', async t => {
    await ben.kill()
    await ann.event('network_peer_disconnected', ({ id }) => id === b)
    await hasJust(t, service, [a], b, c)
  })

  t.same(ann.eventsOf('network_peer_connected').map(({ id }) => id), [1, b, c])
  t.same(ann.eventsOf('network_peer_disconnected').map(({ id }) => id), [c, b])
  t.same([...ann.errors, ...ben.errors, ...cat.errors], [])

  t.equal(await service.stop(), 0)
  t.match(await ann.event('server_close_request'), { code: 1001 })
})

/** The three ways to ask the API who is there agree: the list, `exists` and HEAD. */
async function hasJust (t: Test, service: Service, present: number[], ...absent: number[]): Promise<void> {
  const { items } = await ask<{ items: Array<{ id: number }> }>(service, '/peers')
  t.same(items.map(({ id }) => id).sort(ascending), present.sort(ascending))
  for (const id of [...present, ...absent]) {
    t.same(await ask(service, `/peers/${id}/exists`), { exists: present.includes(id) })
    t.equal((await service.api(`/peers/${id}`, { method: 'HEAD' })).status, present.includes(id) ? 200 : 404)
  }
}

async function ask<Body> (service: Service, path: string): Promise<Body> {
  return await (await service.api(path)).json() as Body
}

function ascending (one: number, other: number): number {
  return one - other
}
