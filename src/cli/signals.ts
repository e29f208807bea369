/** Signals as something to wait for. */

export interface Signalled {
  /** Resolves with the first of them. */
  readonly received: Promise<NodeJS.Signals>;
  /** Back to what signals do by default. */
  ignore(): void;
}

export function signalled(...names: readonly NodeJS.Signals[]): Signalled {
  let hear: (name: NodeJS.Signals) => void = () => undefined;
  const received = new Promise<NodeJS.Signals>((resolve) => {
    hear = resolve;
  });
  for (const name of names) process.on(name, hear);
  return {
    received,
    ignore: () => {
      for (const name of names) process.off(name, hear);
    },
  };
}
