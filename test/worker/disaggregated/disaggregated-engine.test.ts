import { describe, expect, it } from 'vitest';
import { cancel, engineConfig, job, submit } from '../shapes.ts';
import { disaggregated, driverOf, eventsOf } from './shapes.ts';

const timing = { kind: 'affine', baseUs: 100, perTokenUs: 0, perKvTokenUs: 0 } as const;

describe('a disaggregated worker', () => {
  it('computes a prompt, sends its KV, and goes on with the second token', () => {
    const driver = driverOf(disaggregated({ latencyUs: 7 }), submit(0, job(1, 40, 3)));
    expect(eventsOf(driver)).toEqual([
      ['submit', 0, 1, 0],
      // 100 µs of prefill, 40 on the link, 7 of latency; then two passes.
      ['first-token', 147, 1],
      ['finished', 347, 1],
    ]);
    expect(driver.tokens.get(1)?.slice(-2)).toEqual([247, 347]);
  });

  it('answers from the prefill side when asked to', () => {
    const config = disaggregated({}, { firstToken: 'prefill' });
    expect(eventsOf(driverOf(config, submit(0, job(1, 40, 2)))).slice(1)).toEqual([
      ['first-token', 100, 1],
      ['finished', 240, 1],
    ]);
  });

  it('sends nothing for a reply of one token', () => {
    const driver = driverOf(disaggregated({ bytesPerUs: 1e-9 }), submit(0, job(1, 40, 1)), submit(0, job(2, 40, 0)));
    expect(eventsOf(driver).slice(2)).toEqual([
      ['first-token', 100, 1],
      ['finished', 100, 1],
      ['finished', 100, 2],
    ]);
  });

  it('shares the bandwidth of the link among transfers, and keeps to their bound', () => {
    const both = [submit(0, job(1, 40, 2)), submit(0, job(2, 20, 2))];
    // Together at half the speed: 20 tokens take 40 µs, then the other 20 take 20.
    expect(eventsOf(driverOf(disaggregated(), ...both)).filter(([kind]) => kind === 'first-token')).toEqual([
      ['first-token', 140, 2],
      ['first-token', 160, 1],
    ]);
    const alone = driverOf(disaggregated({ concurrentMax: 1 }), ...both);
    expect(eventsOf(alone).filter(([kind]) => kind === 'first-token')).toEqual([
      ['first-token', 140, 1],
      ['first-token', 160, 2],
    ]);
  });

  it('fails a transfer whose time is up, with a status before the first token and a broken stream after it', () => {
    const late = { bytesPerUs: 0.1, timeoutUs: 50 };
    expect(eventsOf(driverOf(disaggregated(late), submit(0, job(1, 40, 3)))).slice(1)).toEqual([
      ['failed', 150, 1, 500],
    ]);
    const shown = driverOf(disaggregated(late, { firstToken: 'prefill' }), submit(0, job(1, 40, 3)));
    expect(eventsOf(shown).slice(1)).toEqual([
      ['first-token', 100, 1],
      ['failed', 150, 1, 0],
    ]);
    expect(shown.worker.held()).toEqual({ running: 0, waiting: 0, kvBlocks: 0 });
  });

  it('fails at once what may not wait', () => {
    const jobs = [1, 2, 3].map((owner) => submit(0, job(owner, 30, 2)));
    const driver = driverOf(disaggregated({ concurrentMax: 1, waitingMax: 1 }), ...jobs);
    expect(eventsOf(driver).filter(([kind]) => kind === 'failed')).toEqual([['failed', 100, 3, 500]]);
  });

  it('holds blocks on both sides through the transfer, and gives them back when it is cancelled', () => {
    const driver = driverOf(disaggregated({ bytesPerUs: 0.1 }), submit(0, job(1, 40, 3)), cancel(300, 1));
    driver.run(299);
    expect(driver.worker.held()).toEqual({ running: 1, waiting: 0, kvBlocks: 20 });
    driver.run();
    expect(driver.worker.held()).toEqual({ running: 0, waiting: 0, kvBlocks: 0 });
  });

  it('sends only what the decode side has not in its cache, when asked to', () => {
    const again = [
      submit(0, job(1, 40, 2, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])),
      submit(1000, job(2, 40, 2, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10])),
    ];
    const firsts = (sends: 'all' | 'missing') =>
      eventsOf(driverOf(disaggregated({ sends }), ...again)).filter(([kind]) => kind === 'first-token');
    expect(firsts('all')).toEqual([
      ['first-token', 140, 1],
      ['first-token', 1140, 2],
    ]);
    // The last block is always sent: 4 tokens.
    expect(firsts('missing')[1]).toEqual(['first-token', 1104, 2]);
  });

  it('lets who asks first have the blocks of the decode side first, however small the next one is', () => {
    const decode = [engineConfig({ timing, blocks: 12 })];
    const jobs = [submit(0, job(1, 40, 4)), submit(0, job(2, 30, 2)), submit(0, job(3, 4, 2))];
    const order = eventsOf(driverOf(disaggregated({ concurrentMax: 1 }, { decode }), ...jobs)).filter(
      ([kind]) => kind === 'first-token',
    );
    expect(order.map(([, , owner]) => owner)).toEqual([1, 2, 3]);
  });

  it.each(['prefill', 'decode'] as const)(
    'fails what needs a lost %s half, and takes nothing until it is back',
    (side) => {
      const driver = driverOf(
        disaggregated({ bytesPerUs: 0.1 }),
        ...[submit(0, job(1, 40, 3)), submit(250, job(2, 40, 3)), submit(1000, job(3, 40, 1))],
        { kind: 'half', at: 200, side, forUs: 300 },
      );
      expect(eventsOf(driver)).toEqual([
        ['submit', 0, 1, 0],
        ['failed', 200, 1, 500],
        ['submit', 250, 2, 500],
        ['submit', 1000, 3, 0],
        ['first-token', 1100, 3],
        ['finished', 1100, 3],
      ]);
      expect(driver.worker.held()).toEqual({ running: 0, waiting: 0, kvBlocks: 0 });
    },
  );

  it('goes on with a transfer when a lost link is back', () => {
    const driver = driverOf(
      disaggregated(),
      submit(0, job(1, 40, 2)),
      { kind: 'link', at: 110, factor: 0 },
      { kind: 'link', at: 500, factor: 0.5 },
    );
    // 10 tokens before, 30 at half the speed.
    expect(eventsOf(driver)[1]).toEqual(['first-token', 560, 1]);
  });

  it('refuses what neither half can ever hold', () => {
    const small = [engineConfig({ blocks: 5 })];
    const refused = (config: Parameters<typeof driverOf>[0]) => eventsOf(driverOf(config, submit(0, job(1, 40, 3))))[0];
    expect(refused(disaggregated({}, { prefill: small }))).toEqual(['submit', 0, 1, 400]);
    expect(refused(disaggregated({}, { decode: small }))).toEqual(['submit', 0, 1, 400]);
  });
});
