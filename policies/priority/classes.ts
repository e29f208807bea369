/**
 * The four classes and how a request gets one. A class is also a lane, its index here: bulk 0, default 1,
 * interactive 2, system 3; where arrays are kept per class they are in this order. Source: smg
 * middleware/scheduler/class.rs at 73da68ca9.
 */
export const CLASSES = ['bulk', 'default', 'interactive', 'system'] as const;
export type PriorityClass = (typeof CLASSES)[number];

export function laneOf(name: PriorityClass): number {
  return CLASSES.indexOf(name);
}

/** The class a client asks for in its header: blanks around it and ASCII case do not matter; unknown is default. */
export function parseClass(header: string | undefined): PriorityClass {
  const text = (header ?? '').trim();
  if (!/^[A-Za-z]+$/.test(text)) return 'default';
  const name = text.toLowerCase();
  return CLASSES.find((each) => each === name) ?? 'default';
}

/** The class in effect: as asked, at most what the tenant may have. */
export function clampClass(requested: PriorityClass, max: PriorityClass): PriorityClass {
  return laneOf(requested) <= laneOf(max) ? requested : max;
}

export interface ClassRules {
  /** `priority` of bulk; each class is one above the last, values outside count as the nearest. */
  readonly basePriority: number;
  readonly defaultMaxClass: PriorityClass;
  /** Highest class by tenant. */
  readonly tenants: Readonly<Record<string, PriorityClass>>;
}

/** The class of a request by its priority and its tenant. */
export function classOf({ priority, tenant }: ClassSource, rules: ClassRules): PriorityClass {
  const lane = Math.min(Math.max(Math.floor(priority - rules.basePriority), 0), CLASSES.length - 1);
  const max = Object.hasOwn(rules.tenants, tenant) ? rules.tenants[tenant] : undefined;
  return clampClass(CLASSES[lane] as PriorityClass, max ?? rules.defaultMaxClass);
}

interface ClassSource {
  readonly priority: number;
  readonly tenant: string;
}
