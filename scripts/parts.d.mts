/** A command that tests need and npm cannot bring. */
export interface Part { command: string, debian: string, tests: string }

export const parts: Part[]
export function find (command: string): string | undefined
export function howToInstall (...missing: Part[]): string
export function provision (): void
