import { testProxy } from './contract.ts'
import { caddy } from './kinds.ts'

testProxy(caddy)
