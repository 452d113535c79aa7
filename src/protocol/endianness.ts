import { endianness } from 'node:os'

/** Whether the machine is little-endian, as all that Node.js supports but s390x. */
export const isLittleEndian = endianness() === 'LE'

/** Which of the two words of a 64-bit number comes first in memory: the indices of the low and of the high one. */
export const [LOW, HIGH] = isLittleEndian ? [0, 1] : [1, 0]
