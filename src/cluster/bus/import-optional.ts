import { GodotError } from '../../error.ts'

/**
 * Imports a package of the NATS client.
 *
 * @throws ERR_UNCONFIGURED if it is not installed
 */
export async function importOptional<Module> (name: string): Promise<Module> {
  try {
    return await import(`@nats-io/${name}`) as Module
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'ERR_MODULE_NOT_FOUND') throw error
    throw new GodotError('ERR_UNCONFIGURED',
      `@nats-io/${name} is missing: npm install @nats-io/transport-node @nats-io/jetstream @nats-io/kv`)
  }
}
