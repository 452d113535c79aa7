import t from 'tap'
import { checkedPath, fromRoot } from '../../../src/core/rpc/wire/node-path.ts'

t.test('paths are relative to the root of the tree', async t => {
  for (const [given, sent] of [
    ['/root/Main/Pawn', 'Main/Pawn'], ['/root', '.'], ['Main', 'Main'], ['.', '.'], ['/rooted/Main', '/rooted/Main']
  ]) {
    t.equal(fromRoot(given), sent)
  }
})

t.test('an application can name nodes only', async t => {
  for (const path of ['/root/Main/Pawn', 'Main', '/root', '.', 'Main/@Node@2', 'Über/ß']) {
    t.equal(checkedPath(path), fromRoot(path))
  }
  for (const path of [
    '', '/', '/Main', '/root/', 'Main/', 'Main//Pawn', '../Main', 'Main/.', './Main', 'Main:position', 'Ma\0in'
  ]) {
    t.throws(() => checkedPath(path), { code: 'ERR_INVALID_PARAMETER' }, JSON.stringify(path))
  }
})
