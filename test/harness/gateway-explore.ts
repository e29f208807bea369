/** All ways through a body of choices, depth first: TigerBeetle's exhaustigen. Answers how many there were. */
export function explore(body: (choose: (options: number) => number) => void): number {
  const path: number[] = [];
  const options: number[] = [];
  for (let ways = 1; ; ways++) {
    let depth = 0;
    body((count) => {
      if (depth === path.length) {
        path.push(0);
        options.push(count);
      }
      return path[depth++] ?? 0;
    });
    while (path.length > 0 && path[path.length - 1] === (options[path.length - 1] ?? 0) - 1) {
      path.pop();
      options.pop();
    }
    const last = path.pop();
    if (last === undefined) return ways;
    path.push(last + 1);
  }
}
