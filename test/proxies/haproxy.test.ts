import { testProxy } from './contract.ts'
import { haproxy } from './kinds.ts'

testProxy(haproxy)
