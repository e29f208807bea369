import { describe, expect, it } from 'vitest';
import type { DynamoEngineConfig } from '../../../src/worker/dynamo/dynamo-engine-config.ts';
import type { WorkerCommand } from '../../harness/worker-driver.ts';
import { job, submit } from '../shapes.ts';
import { type DynamoRun, dynamoConfig, ms, planned, sharedJob } from './shapes.ts';

function run(config: DynamoEngineConfig, ...commands: readonly WorkerCommand[]): DynamoRun {
  const made = planned(config, commands);
  made.driver.run();
  return made;
}

/** Token times in milliseconds, as printed in the table; undefined for a request without any. */
function printed({ engine }: DynamoRun, owner: number): string | undefined {
  return engine.tokens.get(owner)?.map(ms).join(', ');
}

/** What a run of `commands` shows of request 1, then of request 2. */
function tokens(config: DynamoEngineConfig, ...commands: readonly WorkerCommand[]): (string | undefined)[] {
  const made = run(config, ...commands);
  return [1, 2].map((owner) => printed(made, owner));
}

const TWO_THAT_DO_NOT_FIT = [submit(0, job(1, 8, 9)), submit(0, job(2, 8, 9))];
/** Both alike up to the fifth token; then one goes on and the other is computed again, once there is room. */
const FIRST_FIVE = '47.051129, 78.819879, 111.693213, 145.313629, 179.323629';
const GOES_ON = `${FIRST_FIVE}, 206.766859, 235.253942, 264.695504, 295.002171`;
const PREEMPTED = `${FIRST_FIVE}, 322.445400, 350.932484, 380.374046, 410.680713`;

describe('the golden table of the mocker', () => {
  it('prompt 128, output 3', () => {
    expect(tokens(dynamoConfig(), submit(0, job(1, 128, 3)))[0]).toBe('24.198391, 29.945035, 35.691730');
  });

  it('the same with speed-up 2 and decode speed-up 2', () => {
    const config = dynamoConfig({}, { speedup: 2, decodeSpeedup: 2 });
    expect(tokens(config, submit(0, job(1, 128, 3)))[0]).toBe('10.662547, 12.099208, 13.535882');
  });

  it('prompt 128 again at 100 ms: reuses 64 and leaves a second copy of the block computed twice', () => {
    const made = run(dynamoConfig(), submit(0, sharedJob(1, 128, 1, 1)), submit(100_000, sharedJob(2, 128, 1, 1)));
    expect(printed(made, 2)).toBe('123.221477');
    expect(made.engine.totals.prefixHitTokens).toBe(64);
    expect(made.engine.idleBlocks).toBe(3);
  });

  it('prompt 20,000, output 2: chunks of 8,192, 8,192 and 3,616', () => {
    const { driver, engine } = planned(dynamoConfig(), [submit(0, job(1, 20_000, 2))]);
    const ends = [169_136, 338_273].map((at) => {
      driver.run(at - 1);
      return ms(engine.passEndUs);
    });
    expect(ends).toEqual(['169.136918', '338.273837']);
    driver.run();
    expect(engine.tokens.get(1)?.map(ms)).toEqual(['421.944123', '428.704969']);
  });

  it('prompts 100 and 300, output 2, at once', () => {
    const both = '28.402755, 34.163458';
    expect(tokens(dynamoConfig(), submit(0, job(1, 100, 2)), submit(0, job(2, 300, 2)))).toEqual([both, both]);
  });

  it('prompt 64, output 3, then prompt 8,192, output 2: 8,191 fit beside one that decodes', () => {
    expect(tokens(dynamoConfig(), submit(0, job(1, 64, 3)), submit(10_000, job(2, 8192, 2)))).toEqual([
      '23.218181, 198.076367, 220.756727',
      '220.756727, 226.917160',
    ]);
  });

  it.each([
    ['lifo', GOES_ON, PREEMPTED],
    ['fifo', PREEMPTED, GOES_ON],
  ] as const)('two of prompt 8, output 9, blocks 6 of 4 tokens, %s', (preemption, first, second) => {
    const made = run(dynamoConfig({ blocks: 6, blockTokens: 4, preemption }), ...TWO_THAT_DO_NOT_FIT);
    expect([printed(made, 1), printed(made, 2)]).toEqual([first, second]);
    expect(made.engine.totals.preemptions).toBe(1);
    expect(made.engine.evictions).toBe(3);
  });

  it('prompt 100, then prompt 8, output 2, blocks 10 of 4 tokens: the first is refused, the second runs', () => {
    const made = run(dynamoConfig({ blocks: 10, blockTokens: 4 }), submit(0, job(1, 100, 2)), submit(0, job(2, 8, 2)));
    expect(made.driver.log[0]).toEqual(['submit', 0, 1, 400]);
    expect([printed(made, 1), printed(made, 2)]).toEqual([undefined, '32.135314, 48.724477']);
  });

  it('prompt 16, output 6 and prompt 16, output 2, blocks 7 of 4 tokens: the second waits, nobody is preempted', () => {
    const config = dynamoConfig({ blocks: 7, blockTokens: 4 });
    const made = run(config, submit(0, job(1, 16, 6)), submit(0, job(2, 16, 2)));
    expect(printed(made, 2)?.split(', ')[0]).toBe('242.243645');
    expect(made.engine.totals.preemptions).toBe(0);
  });

  it('prompt 64, output 0: ends without a token', () => {
    const { driver, engine } = planned(dynamoConfig(), [submit(0, job(1, 64, 0))]);
    driver.run(0);
    expect(ms(engine.passEndUs)).toBe('17.474885');
    driver.run();
    expect(driver.log.map(([kind, at]) => [kind, at])).toEqual([['submit', 0], ['finished', 17_474]]);
  });

  it('prompt 64, output 2, twice, one at a time', () => {
    expect(tokens(dynamoConfig({ maxRunning: 1 }), submit(0, job(1, 64, 2)), submit(0, job(2, 64, 2)))).toEqual([
      '23.218181, 28.961529',
      '52.179710, 57.923058',
    ]);
  });
});
