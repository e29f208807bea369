/** `/faults` of a simulated engine: GET lists them, POST arms one or several, DELETE clears all. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { z } from 'zod';
import { type BodyBounds, readBody } from '../http/body-reader.ts';
import { sendError, sendJson } from './answers.ts';
import { type EngineFault, engineFaultsSchema } from './engine-faults.ts';
import { mayChangeFaults } from './fault-access.ts';
import type { FaultBoard } from './fault-board.ts';

/** They may take the connection that armed them. */
const TAKE_DOWN: ReadonlySet<EngineFault['kind']> = new Set(['crash', 'restart', 'drain']);

export class FaultRoutes {
  readonly #board: FaultBoard;
  readonly #bounds: BodyBounds;
  readonly #key: string | undefined;

  /** `key` undefined: loopback only. */
  constructor(board: FaultBoard, bounds: BodyBounds, key: string | undefined) {
    this.#board = board;
    this.#bounds = bounds;
    this.#key = key;
  }

  handle(request: IncomingMessage, response: ServerResponse): void {
    if (!mayChangeFaults(request, this.#key)) {
      sendError(response, 403, 'faults are changed from loopback, or with the key');
      return;
    }
    if (request.method === 'DELETE') this.#board.clear();
    if (request.method === 'POST') this.#arm(request, response);
    else sendJson(response, 200, shown(this.#board.list()));
  }

  #arm(request: IncomingMessage, response: ServerResponse): void {
    readBody(request, this.#bounds, (body) => {
      if (typeof body === 'string') return;
      this.#bounds.budget.give(body.length);
      const parsed = engineFaultsSchema.safeParse(jsonOf(body));
      if (!parsed.success) {
        sendError(response, 400, parsed.error.issues.map(inWords).join('; '));
        return;
      }
      const last = parsed.data.filter(({ kind }) => TAKE_DOWN.has(kind));
      for (const fault of parsed.data) if (!last.includes(fault)) this.#board.arm(fault);
      // The answer leaves before they take the connection.
      response.once('finish', () => {
        for (const fault of last) this.#board.arm(fault);
      });
      const kept = this.#board.list().filter(({ kind }) => !last.some((fault) => fault.kind === kind));
      sendJson(response, 200, shown([...kept, ...last]));
    });
  }
}

function shown(faults: readonly EngineFault[]): object {
  const each = faults.map((fault) => {
    return Object.fromEntries(
      Object.entries(fault).map(([name, value]) => [name, value === Infinity ? 'none' : value]),
    );
  });
  return { faults: each };
}

/** By member, but for the place in the list. */
function inWords({ path, message }: z.core.$ZodIssue): string {
  const member = path.slice(1).join('.');
  return member === '' ? message : `${member}: ${message}`;
}

function jsonOf(body: Buffer): unknown {
  try {
    return JSON.parse(body.toString('utf8'));
  } catch {
    return undefined;
  }
}
