import { testProxy } from './contract.ts'
import { nginx } from './kinds.ts'

testProxy(nginx, { withSwaggerUi: true })
