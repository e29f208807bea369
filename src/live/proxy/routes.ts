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

/** By path, then by method. */
const ROUTES: ReadonlyMap<string, ReadonlyMap<string, RouteMatch & { readonly kind: 'route' }>> = byPath();
const NONE: RouteMatch = { kind: 'none' };

export type RouteMatch =
  | { readonly kind: 'route'; readonly name: RouteName }
  /** The path is served, with other methods. */
  | { readonly kind: 'method'; readonly allowed: readonly string[] }
  | { readonly kind: 'none' };

/** `target` as the request line has it. */
export function matchRoute(method: string, target: string): RouteMatch {
  const query = target.indexOf('?');
  const methods = ROUTES.get(query < 0 ? target : target.slice(0, query));
  if (methods === undefined) return NONE;
  return methods.get(method === 'HEAD' ? 'GET' : method) ?? { kind: 'method', allowed: [...methods.keys()] };
}

function byPath(): Map<string, Map<string, RouteMatch & { readonly kind: 'route' }>> {
  const paths = new Map<string, Map<string, RouteMatch & { readonly kind: 'route' }>>();
  for (const [written, name] of Object.entries({ ...OWN_ROUTES, ...WORKER_ROUTES })) {
    const [method, path] = written.split(' ') as [string, string];
    const methods = paths.get(path) ?? new Map<string, RouteMatch & { readonly kind: 'route' }>();
    paths.set(path, methods.set(method, { kind: 'route', name }));
  }
  return paths;
}
