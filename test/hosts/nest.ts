import { load, loadAll, type Mount, type RunningHost } from './host-kind.ts'
import { listen } from './start.ts'

/** Nest loads its modules while the first app starts, and not well for two at a time. */
let starting: Promise<unknown> = Promise.resolve()

/** Starts a NestJS app with one controller, and a gateway at /gateway if asked for. */
export async function startNest (mount: Mount | undefined, { hasGateway = false } = {}): Promise<RunningHost> {
  const started = starting.then(async () => await start(mount, hasGateway))
  starting = started.catch(() => {})
  return await started
}

async function start (mount: Mount | undefined, hasGateway: boolean): Promise<RunningHost> {
  load('reflect-metadata')
  const { NestFactory } = loadAll('@nestjs/core')
  const { FastifyAdapter } = loadAll('@nestjs/platform-fastify')
  const nest = await NestFactory.create(moduleOf(hasGateway), new FastifyAdapter(), { logger: false })
  if (hasGateway) nest.useWebSocketAdapter(new (loadAll('@nestjs/platform-ws').WsAdapter)(nest))
  const app = nest.getHttpAdapter().getInstance()
  await mount?.(app)
  await nest.init()
  return { ...await listen(app), close: async () => await nest.close() }
}

// Decorators are called as functions: they are not part of erasable TypeScript.
function moduleOf (hasGateway: boolean): unknown {
  const { Controller, Get, Module } = loadAll('@nestjs/common')
  class Cats {
    find (): string[] { return ['Tom'] }
  }
  decorate(Cats, 'find', Get())
  Controller('cats')(Cats)
  class AppModule {}
  Module({ controllers: [Cats], providers: hasGateway ? [gateway()] : [] })(AppModule)
  return AppModule
}

function gateway (): unknown {
  const { SubscribeMessage, WebSocketGateway } = loadAll('@nestjs/websockets')
  class Echo {
    echo (_client: unknown, data: unknown): unknown { return { event: 'echo', data } }
  }
  decorate(Echo, 'echo', SubscribeMessage('echo'))
  WebSocketGateway({ path: '/gateway' })(Echo)
  return Echo
}

function decorate ({ prototype }: { prototype: object }, method: string, decorator: MethodDecorator): void {
  decorator(prototype, method, Object.getOwnPropertyDescriptor(prototype, method)!)
}
