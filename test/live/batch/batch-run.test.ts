/** The host of a batch: what is left when it ends, a disk that is full, an interrupt that cannot wait. */
import type { promises } from 'node:fs';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { policyEntries } from '../../../policies/index.ts';
import { type LogFile, openLog } from '../../../src/live/batch/append-log.ts';
import { BatchRun } from '../../../src/live/batch/batch-run.ts';
import { batchConfigSchema } from '../../../src/live/batch/config-schema.ts';
import { BATCH_URLS } from '../../../src/live/batch/input-line.ts';
import { Ledger } from '../../../src/live/batch/ledger.ts';
import { readBatchSettings } from '../../../src/live/batch/settings.ts';
import { post } from '../clients.ts';
import { Stage, until } from '../stage.ts';
import { BatchFiles, chatRows } from './batch-files.ts';

let stage: Stage;
let files: BatchFiles;
beforeEach(() => {
  stage = new Stage();
  files = new BatchFiles();
});
afterEach(async () => {
  await stage.close();
  files.remove();
});

function openLedger(open = openLog): Promise<Ledger> {
  return Ledger.open({
    input: files.rows,
    out: files.out,
    errors: files.errors,
    configHash: 'c',
    urls: BATCH_URLS,
    retryErrors: false,
    openLog: open,
  });
}

function runOf(ledger: Ledger, workers: readonly string[], written: object = {}): BatchRun {
  const settings = readBatchSettings(batchConfigSchema(policyEntries).parse({ workers, ...written }), '/');
  return new BatchRun({ settings, entries: policyEntries, ledger, seed: 'test' });
}

function expectNothingHeld(run: BatchRun): void {
  const held = run.held();
  expect(held).toEqual(Object.fromEntries(Object.keys(held).map((name) => [name, 0])));
}

/** A file on a disk with room for so many bytes of each name. */
function smallDisk(bytes: number): typeof openLog {
  return async (path): Promise<LogFile> => {
    const file = await openLog(path);
    const write = (async (data: Buffer, offset = 0) => {
      const room = bytes - (await file.stat()).size;
      if (room <= 0) throw Object.assign(new Error('full'), { code: 'ENOSPC' });
      return file.write(data, offset, Math.min(data.length - offset, room));
    }) as promises.FileHandle['write'];
    const { fd } = file;
    return {
      fd,
      write,
      read: file.read.bind(file),
      datasync: () => file.datasync(),
      sync: () => file.sync(),
      truncate: (size) => file.truncate(size),
      close: () => file.close(),
      stat: file.stat.bind(file),
    };
  };
}

describe('the host of a batch', () => {
  it('ends with nothing held', async () => {
    const engine = await stage.engine();
    files.writeRows(chatRows(25));
    const ledger = await openLedger();
    const run = runOf(ledger, [engine.url], { row_group: 4, row_groups_max: 2 });
    expect(await run.run()).toBe('finished');
    expect(run.progress()).toMatchObject({ completed: 25, failed: 0, total: 25, running: 0, limit: 16, calls: 25 });
    expectNothingHeld(run);
    await ledger.close();
    expect(files.results()).toHaveLength(25);
  });

  it('stops on a full disk with whole lines only, and goes on when there is room', async () => {
    const engine = await stage.engine();
    files.writeRows(chatRows(30));
    const ledger = await openLedger(smallDisk(3000));
    const run = runOf(ledger, [engine.url], { concurrency: 2 });
    expect(await run.run()).toBe('stopped');
    expect(ledger.failure?.message).toBe(`cannot write ${files.out}: no space left on the disk (ENOSPC)`);
    expectNothingHeld(run);
    await ledger.close();
    const kept = files.results();
    expect(kept.length).toBeGreaterThan(0);
    const again = await openLedger();
    expect(again.completed).toBe(kept.length);
    expect(await runOf(again, [engine.url]).run()).toBe('finished');
    await again.close();
    expect(new Set(files.results().map((line) => line.custom_id)).size).toBe(30);
    expect(files.results()).toHaveLength(30);
  });

  it('cuts calls off at the second interrupt, or when their time is over', async () => {
    const engine = await stage.engine();
    await post(`${engine.url}/faults`, { kind: 'hang', scope: 'engine' });
    files.writeRows(chatRows(10));
    for (const bound of ['1h', '20ms']) {
      const ledger = await openLedger();
      const run = runOf(ledger, [engine.url], { concurrency: 3, stop_timeout: bound });
      const ended = run.run();
      await until(() => run.progress().running === 3);
      run.interrupt();
      if (bound === '1h') run.interrupt();
      expect(await ended).toBe('stopped');
      expectNothingHeld(run);
      await ledger.close();
      expect([files.results().length, files.failures().length]).toEqual([0, 0]);
    }
    await fetch(`${engine.url}/faults`, { method: 'DELETE' });
  });

  it('begins no call while more waits for the disk than it may hold', async () => {
    const body = JSON.stringify('x'.repeat(4 << 20));
    let asked = 0;
    const url = await stage.worker((request, response) => {
      asked++;
      request.resume().on('end', () => response.writeHead(200).end(body));
    });
    let release: () => void = () => undefined;
    const isFree = new Promise<void>((resolve) => (release = resolve));
    const busyDisk = async (path: string): Promise<LogFile> => {
      const file = await openLog(path);
      const datasync = file.datasync.bind(file);
      return Object.assign(file, { datasync: () => isFree.then(datasync) });
    };
    files.writeRows(chatRows(13));
    const ledger = await openLedger(busyDisk);
    const run = runOf(ledger, [url], { concurrency: 2 });
    const ended = run.run();
    await until(() => ledger.pendingChars > 32 << 20 && run.progress().running === 0);
    const before = asked;
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect([asked, before < 12]).toEqual([before, true]);
    release();
    expect(await ended).toBe('finished');
    await ledger.close();
    expect(files.results()).toHaveLength(13);
  });

  it('ends when its input changes under it', async () => {
    const engine = await stage.engine();
    files.writeRows(chatRows(10));
    const ledger = await openLedger();
    files.writeRows(['x'.repeat(10_000)]);
    await expect(runOf(ledger, [engine.url]).run()).rejects.toThrow('it changed while the batch ran');
    await ledger.close();
  });
});
