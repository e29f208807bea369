/** Markdown tables; the columns from `numbersFrom` on are aligned right. */
export function markdownTable(
  head: readonly string[],
  lines: readonly (readonly string[])[],
  numbersFrom: number,
): string {
  const rule = head.map((_, column) => (column < numbersFrom ? '---' : '---:'));
  return [head.map(inline), rule, ...lines.map((line) => line.map(inline))]
    .map((cells) => `| ${cells.join(' | ')} |`)
    .join('\n');
}

/** Text that cannot break out of its cell or line. */
export function inline(text: string): string {
  return text.replace(/\|/g, '\\|').replace(/\s*\n\s*/g, ' ');
}
