/** A row and the line that it begins in. */
export interface CsvRow {
  /** 1-based. */
  readonly line: number;
  readonly cells: readonly string[];
}

/** Reads comma-separated values (RFC 4180); empty lines are left out. Any text is some table: never throws. */
export function parseCsv(text: string): CsvRow[] {
  return [...csvRows(text)];
}

/** As {@link parseCsv}, row by row. */
export function* csvRows(text: string): Generator<CsvRow, void, undefined> {
  let cells: string[] = [];
  let cell = '';
  let isQuoted = false;
  let line = 1;
  let rowLine = 1;
  const endRow = (): CsvRow[] => {
    cells.push(cell);
    const row = { line: rowLine, cells };
    const isEmpty = cells.length === 1 && cell.trim() === '';
    cells = [];
    cell = '';
    rowLine = line;
    return isEmpty ? [] : [row];
  };
  for (let i = text.startsWith('\ufeff') ? 1 : 0; i < text.length; i++) {
    const char = text.charAt(i);
    if (char === '\n') {
      line++;
    }
    if (isQuoted) {
      if (char !== '"') {
        cell += char;
      } else if (text.charAt(i + 1) === '"') {
        cell += '"';
        i++;
      } else {
        isQuoted = false;
      }
    } else if (char === '"' && cell === '') {
      isQuoted = true;
    } else if (char === ',') {
      cells.push(cell);
      cell = '';
    } else if (char === '\n') {
      yield* endRow();
    } else if (char !== '\r') {
      cell += char;
    }
  }
  if (cell !== '' || cells.length > 0) {
    yield* endRow();
  }
}
