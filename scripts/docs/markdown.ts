/** Lines of a table, without columns that are empty in every row; the cells are Markdown already. */
export function table (head: readonly string[], rows: ReadonlyArray<readonly string[]>): string[] {
  const isUsed = head.map((_, column) => rows.some(row => row[column] !== ''))
  return [head, head.map(() => '---'), ...rows].map(cells =>
    `| ${cells.filter((_, column) => isUsed[column]).join(' | ')} |`)
}

/** A value as code in JSON, '' for undefined. */
export function code (value: unknown): string {
  return value === undefined ? '' : `\`${JSON.stringify(value)}\``
}

/** Text in one line that does not end the cell of a table. */
export function cell (text: string): string {
  return text.replace(/\s+/g, ' ').replaceAll('|', '\\|')
}
