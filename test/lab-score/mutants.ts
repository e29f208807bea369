/**
 * The planted bugs of `test/mutants` and `test/gateway/mutants` as edits of the sources, for whole worlds: the policies
 * are drawn as ever, and the campaign is told only which ones to draw more of.
 */
import type { SpaceInput } from '../../src/lab/fuzz/space-schema.ts';
import { gatewayMutants } from '../gateway/mutants/gateways.ts';
import type { Edit } from '../harness/gateway-planted.ts';

export interface WorldMutant {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** Names of policies to draw from, by key of the `policies:` block: where the bug is. */
  readonly policies: NonNullable<SpaceInput['policies']>;
}

const edit = (file: string, from: string, to: string): Edit => ({ file: `policies/${file}`, from, to });

function mutant(name: string, policies: WorldMutant['policies'], ...edits: readonly Edit[]): WorldMutant {
  return { name, policies, edits };
}

const fifo = { queue: ['fifo'] };
const admission = { admission: ['aimd'] };
const limitFile = 'admission/resource-limit.ts';
const bounded = { tasks: ['bounded-borrow'] };

const policyMutants: readonly WorldMutant[] = [
  mutant('the newest waiter goes first', fifo, edit('queue/fifo.ts', 'this.#waiting.shift();', 'this.#waiting.pop();')),
  mutant(
    'a waiter that is cancelled keeps its place',
    fifo,
    edit('queue/fifo.ts', '    this.#waiting.delete(id);\n', ''),
  ),
  mutant(
    'a waiter is admitted although its time is up',
    fifo,
    edit(
      'queue/fifo.ts',
      '    this.#admitted.delete(id);\n    this.#enter(now);\n',
      '    this.#admitted.delete(id);\n',
    ),
  ),
  mutant(
    'a lease is granted to one who was shed',
    admission,
    edit('admission/wait-list.ts', 'undefined : this.leave(item);', 'undefined : this.#waiters.get(item);'),
  ),
  mutant(
    'deadlines of waits are not enforced',
    admission,
    edit('admission/wait-list.ts', '    if (deadlineAt < Infinity) this.#deadlines.set(item, deadlineAt);\n', ''),
  ),
  mutant(
    'a lease cancelled before it was taken is never given back',
    admission,
    edit('admission/adaptive-admission.ts', "      this.#settle(lease, 'local-cancelled', 0);\n", ''),
  ),
  mutant(
    'a limit that was cut never recovers',
    admission,
    edit(limitFile, 'Math.min(effectiveMax, this.#limit + increaseStep)', 'this.#limit'),
  ),
  mutant(
    'a task selection from before a change is committed',
    bounded,
    edit('task/fair-task-queue.ts', 'if (revision !== this.#revision) return false;', ''),
  ),
  mutant(
    'a head that may not go blocks the groups behind it',
    admission,
    edit(
      'admission/fair-queue.ts',
      'if (head !== undefined && eligible(head.item)) return head.item;',
      'if (head !== undefined) return eligible(head.item) ? head.item : undefined;',
    ),
  ),
  mutant(
    'a cancelled probe leaves its place taken',
    { gates: ['breaker'] },
    edit(
      'breaker/fenced-circuit.ts',
      "if (!isProbe || evidence === 'neutral') break;",
      "if (isProbe && evidence === 'neutral') state.places.set(attemptId, Infinity);\n" +
        "        if (!isProbe || evidence === 'neutral') break;",
    ),
  ),
  mutant(
    'a cancelled attempt is repeated',
    { retry: ['exponential'] },
    edit('retry/status.ts', " && result.outcome !== 'cancelled'", ''),
  ),
  mutant(
    'what was borrowed is never repaid, for good',
    bounded,
    edit('task/fair-task-queue.ts', 'if (revision !== this.#revision) return false;', 'return false;'),
  ),
  mutant(
    'reservations are ignored',
    { queue: ['priority'] },
    edit('priority/slot-pool.ts', 'this.#total - held', 'this.#total'),
  ),
];

export const worldMutants: readonly WorldMutant[] = [
  ...policyMutants,
  ...gatewayMutants.map(({ name, edits }) => ({ name, edits, policies: {} })),
];
