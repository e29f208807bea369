/**
 * Plain tables for a terminal: two blanks between columns, a rule under the head, first column left, the rest right.
 */
import Table from 'cli-table3';

const GAP = 2;
const RULE = '─';

/** No frame. */
export const BARE = {
  top: '',
  'top-mid': '',
  'top-left': '',
  'top-right': '',
  bottom: '',
  'bottom-mid': '',
  'bottom-left': '',
  'bottom-right': '',
  left: '',
  'left-mid': '',
  mid: '',
  'mid-mid': '',
  right: '',
  'right-mid': '',
  middle: ' '.repeat(GAP),
};

/** Lines of text without the last line break; the first column is cut when the table is wider than `width`. */
export function plainTable(head: readonly string[], lines: readonly (readonly string[])[], width: number): string {
  const widths = head.map((title, column) =>
    Math.max(title.length, ...lines.map((line) => line[column]?.length ?? 0), 1),
  );
  const excess = widths.reduce((sum, each) => sum + each + GAP, -GAP) - width;
  if (excess > 0) widths[0] = Math.max(8, (widths[0] as number) - excess);
  const table = new Table({
    chars: BARE,
    style: { 'padding-left': 0, 'padding-right': 0, head: [], border: [] },
    colWidths: widths,
    colAligns: widths.map((_, column) => (column === 0 ? ('left' as const) : ('right' as const))),
  });
  table.push(
    [...head],
    widths.map((each) => RULE.repeat(each)),
    ...lines.map((line) => [...line]),
  );
  return table
    .toString()
    .split('\n')
    .map((line) => line.trimEnd())
    .join('\n');
}
