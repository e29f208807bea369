/** What the proxy serves, and what each of it is. */

/** Requests that go to a worker. */
const WORKER_ROUTES = {
  'POST /v1/chat/completions': 'chat',
  'POST /v1/completions': 'completions',
  'POST /v1/embeddings': 'embeddings',
  'POST /v1/responses': 'responses',
  'GET /v1/models': 'models',
} as const;
/** Questions about the proxy itself. */
const OWN_ROUTES = { 'GET /livez': 'livez', 'GET /readyz': 'readyz' } as const;

export type RouteName = (typeof WORKER_ROUTES)[keyof typeof WORKER_ROUTES] | 'livez' | 'readyz' | 'none';

const ROUTES: ReadonlyMap<string, RouteName> = new Map<string, RouteName>([
  ...Object.entries(WORKER_ROUTES),
  ...Object.entries(OWN_ROUTES),
]);
const METHODS = ['GET', 'POST'];

export type RouteMatch =
  | { readonly kind: 'route'; readonly name: RouteName }
  /** The path is served, with other methods. */
  | { readonly kind: 'method'; readonly allowed: readonly string[] }
  | { readonly kind: 'none' };

/** `target` as the request line has it. */
export function matchRoute(method: string, target: string): RouteMatch {
  const query = target.indexOf('?');
  const path = query < 0 ? target : target.slice(0, query);
  const asked = method === 'HEAD' ? 'GET' : method;
  const name = ROUTES.get(`${asked} ${path}`);
  if (name !== undefined) return { kind: 'route', name };
  const allowed = METHODS.filter((each) => ROUTES.has(`${each} ${path}`));
  return allowed.length > 0 ? { kind: 'method', allowed } : { kind: 'none' };
}
