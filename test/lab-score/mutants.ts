/**
 * The planted bugs of `test/mutants` and `test/gateway/mutants` as edits of the sources, for whole worlds: the policies
 * are drawn as ever, and the campaign is told only which ones to draw more of. Some of them no world of the shipped
 * policies can show, since what is around them never does what they get wrong; of those it is checked that they change
 * no history.
 */
import type { SpaceInput } from '../../src/lab/fuzz/space-schema.ts';
import { gatewayMutants } from '../gateway/mutants/gateways.ts';
import type { Edit } from '../harness/gateway-planted.ts';

export interface WorldMutant {
  readonly name: string;
  readonly edits: readonly Edit[];
  /** Names of policies to draw from, by key of the `policies:` block: where the bug is. */
  readonly policies: NonNullable<SpaceInput['policies']>;
  /** Why no world shows it; undefined: it is to be found. */
  readonly unseen?: string | undefined;
}

/** By name of the bug. */
const UNSEEN: Readonly<Record<string, string>> = {
  'a lease cancelled before it was taken is never given back':
    'the dataset core takes each answer of request admission within the input that brought it',
  'a task selection from before a change is committed':
    'the dataset core commits what it selected before anything else',
  'a cancelled attempt is repeated': 'the gateway asks no retry policy about an attempt that it cancelled',
  'the word of the host decides whether bytes were sent': 'the simulated host says what the gateway knows',
  'who was parked behind a request that left is not looked at':
    'no shipped router lets a request wait; who is behind may start no earlier than who is ahead',
  'a refused request that was backing off is still counted so':
    'no shipped router refuses a request that it has sent to a worker before, unless the client names its worker',
  'a removed worker comes back with late news': 'the simulated host hands news on in their order',
};

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

const planted: readonly WorldMutant[] = [
  ...policyMutants,
  ...gatewayMutants.map(({ name, edits }) => ({ name, edits, policies: {} })),
];

export const worldMutants = planted.map((each): WorldMutant => ({ ...each, unseen: UNSEEN[each.name] }));
