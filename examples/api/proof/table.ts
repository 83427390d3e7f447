/** Sets cells in columns: the first to the left, the others to the right. */
export function formatTable(rows: readonly (readonly string[])[]): string {
  const widths = rows.reduce<number[]>(
    (widest, row) => row.map((cell, column) => Math.max(widest[column] ?? 0, cell.length)),
    [],
  )
  return rows
    .map((row) =>
      row
        .map((cell, column) => {
          const width = widths[column] ?? 0
          return column === 0 ? cell.padEnd(width) : cell.padStart(width)
        })
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

/** Three digits that count, with thousands set apart: 12,400, 3.41, 0.087. */
export function formatFigure(value: number): string {
  if (!Number.isFinite(value)) return 'n/a'
  if (value === 0) return '0'
  return value.toLocaleString('en-US', { maximumSignificantDigits: 3 })
}

/** A gain as a factor: 12.3×. */
export function formatGain(gain: number): string {
  return Number.isFinite(gain) ? `${formatFigure(gain)}×` : 'n/a'
}
