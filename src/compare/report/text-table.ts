/** Columns apart, in characters. */
const GUTTER = "  ";
/** A terminal's usual width with some room: what is wider is cut into bands of columns. */
const WIDTH = 100;

/** Rows of equal length as text: the first column to the left, the others to the right. */
export function textTable(rows: readonly (readonly string[])[]): string {
  const widths = columnWidths(rows);
  return rows
    .map((row) =>
      row
        .map((cell, column) =>
          column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
        )
        .join(GUTTER),
    )
    .map((line) => `${line.trimEnd()}\n`)
    .join("");
}

/** As {@link textTable}, cut into tables no wider than a terminal; each begins with the first column. */
export function bandedTable(rows: readonly (readonly string[])[]): string {
  const widths = columnWidths(rows);
  const bands: number[][] = [];
  let used = Number.POSITIVE_INFINITY;
  for (const [column, width] of widths.entries()) {
    if (column === 0) continue;
    if (used + GUTTER.length + width > WIDTH) {
      bands.push([0]);
      used = widths[0] ?? 0;
    }
    bands.at(-1)?.push(column);
    used += GUTTER.length + width;
  }
  return bands
    .map((columns) => textTable(rows.map((row) => columns.map((column) => row[column] ?? ""))))
    .join("\n");
}

function columnWidths(rows: readonly (readonly string[])[]): number[] {
  const [first] = rows;
  return (first ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
}
