/**
 * The end in good order. Balancers see `/readyz` fail first; after `delay` nothing new is accepted; what runs may
 * finish until `timeout`, and is told that the gateway ends if it has not.
 */
import type { Micros } from '../../../policies/types.ts';
import type { Deadline } from '../agenda.ts';
import type { GatewayHost } from '../core/gateway-host.ts';
import type { Listener } from '../http/listener.ts';
import { shuttingDown } from './answers.ts';
import type { Front } from './front.ts';
import type { LiveRequest } from './live-request.ts';

export interface DrainRules {
  readonly delay: Micros;
  readonly timeout: Micros;
}

/** For the last words to clients that are cut. */
const LAST_WORDS_US = 1e6;

export class Draining {
  readonly #host: GatewayHost<LiveRequest>;
  readonly #front: Front;
  readonly #listener: Listener;
  readonly #rules: () => DrainRules;
  readonly #step: Deadline;
  #state: 'serving' | 'noticed' | 'closing' | 'cutting' | 'over' = 'serving';
  #cut = 0;
  #onEmpty: (() => void) | undefined;
  #running: Promise<number> | undefined;

  constructor(host: GatewayHost<LiveRequest>, front: Front, listener: Listener, rules: () => DrainRules) {
    this.#host = host;
    this.#front = front;
    this.#listener = listener;
    this.#rules = rules;
    this.#step = host.agenda.deadline(() => this.#next());
  }

  /** `/readyz` fails. */
  get isDraining(): boolean {
    return this.#state !== 'serving';
  }

  /** New requests are turned away. */
  get isClosing(): boolean {
    return this.#state !== 'serving' && this.#state !== 'noticed';
  }

  begin(): void {
    if (this.#state === 'serving') this.#state = 'noticed';
  }

  /** Resolves with the number of requests that were cut, once none is left. */
  run(): Promise<number> {
    this.#running ??= new Promise((resolve) => {
      this.begin();
      this.#onEmpty = () => resolve(this.#cut);
      this.#host.agenda.set(this.#step, this.#host.now() + this.#rules().delay);
    });
    return this.#running;
  }

  exchangeClosed(): void {
    if (!this.isClosing) return;
    // The connection is idle once node has let go of the response.
    setImmediate(() => this.#listener.dropIdle());
    if (this.#front.open.size === 0) this.#finish();
  }

  #next(): void {
    const now = this.#host.now();
    if (this.#state === 'noticed') {
      this.#state = 'closing';
      this.#listener.stopListening();
      this.#listener.dropIdle();
      this.#host.agenda.set(this.#step, now + this.#rules().timeout);
      if (this.#front.open.size === 0) this.#finish();
    } else if (this.#state === 'closing') {
      this.#state = 'cutting';
      this.#host.agenda.set(this.#step, now + LAST_WORDS_US);
      this.#cutAll();
    } else {
      this.#finish();
    }
  }

  /** The core lets go of a request whose client is told so; one that it never had is told here. */
  #cutAll(): void {
    for (const exchange of [...this.#front.open.values()]) {
      if (exchange.isOver) continue;
      this.#cut++;
      if (exchange.coreId >= 0) this.#host.input({ kind: 'abandon', request: exchange.coreId });
      else exchange.fail(shuttingDown(), false);
    }
  }

  #finish(): void {
    this.#state = 'over';
    this.#host.agenda.cancel(this.#step);
    this.#onEmpty?.();
  }
}
