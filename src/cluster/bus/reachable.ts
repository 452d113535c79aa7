import { GodotError } from '../../error.ts'
import { BusError } from './bus.ts'

/** The result of a store operation; rejects with cluster-unavailable when the broker does not respond or refuses it. */
export async function reachable<Result> (
  answer: Promise<Result>, problem = 'the broker failed'
): Promise<Result> {
  try {
    return await answer
  } catch (error) {
    if (!(error instanceof BusError)) throw error
    throw new GodotError('cluster-unavailable', `${problem}: ${error.fault}`)
  }
}
