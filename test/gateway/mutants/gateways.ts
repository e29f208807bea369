/** Wrong gateways: one edit each of the sources, and what it should be caught by. */
import type { Edit } from '../../harness/gateway-planted.ts';

export interface Mutant {
  /** What is wrong with it. */
  readonly name: string;
  readonly edits: readonly Edit[];
  /** It must be found within so many runs and shrink to so few commands. */
  readonly runs: number;
  readonly commands: number;
}

const inGateway = (from: string, to: string): Edit => ({ file: 'src/gateway/gateway.ts', from, to });
const inEntrance = (from: string, to: string): Edit => ({ file: 'src/gateway/entrance.ts', from, to });
const inObservers = (from: string, to: string): Edit => ({ file: 'src/gateway/observers.ts', from, to });

export const gatewayMutants: readonly Mutant[] = [
  {
    name: 'a late end settles the lease again',
    edits: [
      inGateway("if (attempt.state === 'settled') {", 'if (attempt.id < 0) {'),
      inGateway("assert(attempt.state === 'running', 'a lease was settled twice');", ''),
    ],
    runs: 20, commands: 5,
  },
  {
    name: 'the wait of a finished request stays',
    edits: [inGateway('this.#waits.set(request, Infinity);', '')],
    runs: 5, commands: 3,
  },
  {
    name: 'an attempt is retried after bytes were sent',
    edits: [inGateway('result.bytesSent ? -1 : this', 'this')],
    runs: 50, commands: 4,
  },
  {
    name: 'the word of the host decides whether bytes were sent',
    edits: [inGateway('attempt.bytesSent && !ended.bytesSent ? { ...ended, bytesSent: true } : ended', 'ended')],
    runs: 160, commands: 5,
  },
  {
    name: 'a request is admitted at its deadline',
    edits: [inGateway('deadlineAt <= now) {\n      this.#finish', 'deadlineAt < now) {\n      this.#finish')],
    runs: 250, commands: 7,
  },
  {
    name: 'a parked request starts although its time is up',
    edits: [inGateway('if (head.waitIndex >= 0 && head.waitAt <= now) {', 'if (head.id < 0) {')],
    runs: 70, commands: 6,
  },
  {
    name: 'a gate that opened is forgotten when another input comes first',
    edits: [inGateway('pump || this.#sums.reconsiderAt <= now', 'pump')],
    runs: 20, commands: 7,
  },
  {
    name: 'who was parked behind a request that left is not looked at',
    edits: [inGateway('this.#parked.leave(request);\n      this.#pumpDue = true;', 'this.#parked.leave(request);')],
    runs: 450, commands: 5,
  },
  {
    name: 'a free slot does not wake the parked',
    edits: [inGateway('    this.#pumpDue = true;\n  }\n\n  /** Settles the lease', '  }\n\n  /** Settles the lease')],
    runs: 60, commands: 7,
  },
  {
    name: 'a preempted or timed out attempt runs on at its worker',
    edits: [inGateway("    this.#outbox.push({ kind: 'cancel', attempt });\n", '')],
    runs: 20, commands: 4,
  },
  {
    name: 'a request abandoned while it backs off is counted for ever',
    edits: [inGateway("    if (request.state === 'backing-off') this.#sums.backingOff--;\n", '')],
    runs: 20, commands: 5,
  },
  {
    name: 'an attempt may outlive the deadline of its request',
    edits: [
      inGateway('Math.min(request.deadlineAt, now + this.#policies.timeouts.a', '(now + this.#policies.timeouts.a'),
    ],
    runs: 20, commands: 6,
  },
  {
    name: 'a queue is not told of a changed capacity until the next arrival',
    edits: [inGateway('pump: boolean): void {\n    this.#entrance.refresh(now);\n', 'pump: boolean): void {\n')],
    runs: 600, commands: 5,
  },
  {
    name: 'a refused request that was backing off is still counted so',
    edits: [inGateway("    request.state = 'starting';\n", '')],
    runs: 300, commands: 7,
  },
  {
    name: 'a refused request stays in line',
    edits: [inGateway("this.#finish(now, head, 'shed', 'no-worker');\n        continue;", 'return;')],
    runs: 200, commands: 6,
  },
  {
    name: 'a request beyond the rate of its tenant queues',
    edits: [inEntrance('if (waitUs === 0) return', 'if (waitUs >= 0) return')],
    runs: 60, commands: 14,
  },
  {
    name: 'what was charged for a request is never settled',
    edits: [inEntrance('    this.#rate.settle(', '    void (')],
    runs: 10, commands: 2,
  },
  {
    name: 'a request that never started keeps its charge',
    edits: [inEntrance('request.attemptCount === 0 ? 0 : request.usedTokens', 'request.usedTokens')],
    runs: 20, commands: 3,
  },
  {
    name: 'a worker that failed is offered again beside others',
    edits: [{ file: 'src/gateway/fleet.ts', from: 'if (kept > 0) candidates.length = kept;', to: '' }],
    runs: 60, commands: 4,
  },
  {
    name: 'a removed worker comes back with late news',
    edits: [{ file: 'src/gateway/fleet.ts', from: 'this.#known.has(index) ? worker : undefined', to: 'worker' }],
    runs: 10, commands: 4,
  },
  {
    name: 'a policy in two roles hears of a lease twice',
    edits: [inObservers('leases.filter((policy) => policy.granted !== undefined)', '[...leases, queue]')],
    runs: 5, commands: 3,
  },
  {
    name: 'the retry policy is not told of settlements',
    edits: [inObservers('leases.filter((policy) => policy.settled !== undefined)', 'leases.slice(0, -1)')],
    runs: 5, commands: 3,
  },
  {
    name: 'the wait heap does not sink what fills a gap',
    edits: [{ file: 'src/gateway/wait-heap.ts', from: '    this.#down(last.waitIndex, last);\n', to: '' }],
    runs: 10, commands: 9,
  },
];
