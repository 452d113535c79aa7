export function provision () {}
