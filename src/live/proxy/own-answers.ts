/** What the proxy answers itself: whether it lives, whether it is ready, and the models of its configuration. */
import type { Exchange } from './exchange.ts';
import type { RouteName } from './routes.ts';

export interface OwnFacts {
  isReady(): boolean;
  /** Empty: workers are asked. */
  models(): readonly string[];
}

/** False when the question is not about the proxy itself. Clients without a key may ask these. */
export function answerHealth(name: RouteName, exchange: Exchange, facts: OwnFacts): boolean {
  if (name === 'livez') {
    answer(exchange, 200, { status: 'live' });
    return true;
  }
  if (name !== 'readyz') return false;
  const isReady = facts.isReady();
  answer(exchange, isReady ? 200 : 503, { status: isReady ? 'ready' : 'not ready' });
  return true;
}

/** False when workers are to be asked. */
export function answerModels(name: RouteName, exchange: Exchange, facts: OwnFacts): boolean {
  const models = facts.models();
  if (name !== 'models' || models.length === 0) return false;
  const data = models.map((id) => ({ id, object: 'model', created: 0, owned_by: 'spillway' }));
  answer(exchange, 200, { object: 'list', data });
  return true;
}

function answer(exchange: Exchange, status: number, body: object): void {
  const text = JSON.stringify(body);
  exchange.answer(
    status,
    ['content-type', 'application/json', 'content-length', String(Buffer.byteLength(text))],
    text,
  );
}
