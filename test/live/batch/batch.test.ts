/** `spillway batch` in one process, against engines and scripted workers on real sockets. */
import { appendFileSync, existsSync, readFileSync, truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import type { ServerResponse } from 'node:http';
import { hostname } from 'node:os';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { say } from '../../cli/fake-terminal.ts';
import { post } from '../clients.ts';
import { Stage } from '../stage.ts';
import { BatchFiles, chatRow, chatRows, QUICK_CALLS } from './batch-files.ts';

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

function reply(response: ServerResponse, status: number, body: string, headers: Record<string, string> = {}): void {
  response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(body);
}

describe('a batch', () => {
  it('ends with every row in the results, in the form of the Batch API', async () => {
    const engine = await stage.engine();
    files.writeRows(chatRows(20));
    files.writeConfig([engine.url]);
    const said = await say(files.args());
    expect(said.err).toBe('');
    expect(said.out).toMatch(/results\.jsonl: 20 of 20 rows completed, 0 failed; 20 calls in [\d.]+ s\n$/);
    expect(said.code).toBe(0);
    const results = files.results();
    expect(new Set(results.map((line) => line.custom_id)).size).toBe(20);
    const [first] = results;
    expect(first).toMatchObject({ error: null, response: { status_code: 200 } });
    expect(Object.keys(first ?? {})).toEqual(['id', 'custom_id', 'response', 'error']);
    expect(first?.response?.body).toMatchObject({ object: 'chat.completion', usage: { completion_tokens: 3 } });
    expect(first?.response?.request_id).toBe(first?.id);
    expect(files.failures()).toEqual([]);
    expect(existsSync(`${files.out}.lock`)).toBe(false);
  });

  it('sends bodies as they are written, and keeps replies as they come', async () => {
    const seen: string[] = [];
    const url = await stage.worker((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
      request.on('end', () => {
        seen.push(`${request.url} ${text}`);
        reply(response, 200, '{\n "n": 12345678901234567890 }\n', { 'x-request-id': 'theirs' });
      });
    });
    const body = '{"seed": 98765432109876543210, "body": {"x": "}\\"" },"n":1.0 }';
    files.writeRows([`{"body":${body},"custom_id":"a","url":"/v1/embeddings","method":"POST"}`]);
    files.writeConfig([url]);
    expect((await say(files.args())).code).toBe(0);
    expect(seen).toEqual([`/v1/embeddings ${body}`]);
    const line = readFileSync(files.out, 'utf8');
    expect(line).toContain('"request_id":"theirs","body":{  "n": 12345678901234567890 }');
  });

  it('goes through a proxy, whose own refusals are kept and tried again', async () => {
    const engine = await stage.engine();
    const proxy = await stage.proxy([engine.url], {
      policies: { capacity: { name: 'fixed', max: 1 }, queue: { name: 'fifo', size: 1, timeout: '20ms' } },
    });
    files.writeRows(chatRows(30));
    const admission = 'admission: {name: aimd, cooldown: 5ms, retryAfterMax: 10ms}';
    files.writeConfig([proxy.url], `concurrency: 8\npolicies: {${QUICK_CALLS}, ${admission}}`);
    expect(await say(files.args())).toMatchObject({ code: 0, err: '' });
    expect(files.results()).toHaveLength(30);
  });

  it('spreads calls over workers and goes on with those that are left', async () => {
    const engines = [await stage.engine(), await stage.engine()];
    files.writeRows(chatRows(40));
    const policies = `policies: {router: {name: round-robin}, ${QUICK_CALLS}}`;
    files.writeConfig(engines.map(({ url }) => url), policies);
    await engines[1]?.close();
    expect(await say(files.args())).toMatchObject({ code: 0 });
    expect(files.results()).toHaveLength(40);
  });

  it('puts a row in the errors with the reply that refused it, or with what kept it from one', async () => {
    let broken = 0;
    const url = await stage.worker((request, response) => {
      let text = '';
      request.on('data', (chunk: Buffer) => (text += chunk.toString('utf8')));
      request.on('end', () => {
        if (text.includes('question 0')) reply(response, 400, '{"error":{"message":"no"}}');
        else if (text.includes('question 1')) reply(response, 500, 'not JSON');
        else if (text.includes('question 2') && ++broken > 0) request.socket.destroy();
        else if (text.includes('question 3')) reply(response, 200, '{"torn":');
        else if (text.includes('question 4')) reply(response, 200, `"${'x'.repeat(5000)}"`);
        else reply(response, 200, '{}');
      });
    });
    files.writeRows(chatRows(6));
    files.writeConfig([url], `reply: 4KiB\npolicies: {${QUICK_CALLS}}`);
    const said = await say(files.args());
    expect([said.code, said.err]).toEqual([1, '']);
    expect(said.out).toContain(`1 of 6 rows completed, 5 failed (${files.errors});`);
    expect(files.results().map((line) => line.custom_id)).toEqual(['row-5']);
    const failures = new Map(files.failures().map((line) => [line.custom_id, line]));
    expect(failures.get('row-0')?.response).toMatchObject({ status_code: 400, body: { error: { message: 'no' } } });
    expect(failures.get('row-1')?.response).toMatchObject({ status_code: 500, body: 'not JSON' });
    expect(failures.get('row-2')).toMatchObject({ response: null, error: { code: 'connection_failed' } });
    expect(failures.get('row-2')?.error?.message).toMatch(/, after 3 tries$/);
    expect(failures.get('row-3')).toMatchObject({ response: null, error: { code: 'invalid_reply' } });
    expect(failures.get('row-4')).toMatchObject({ response: null, error: { code: 'reply_too_large' } });
    // Three starts of three attempts each: the executor repeats what salvage then tries again.
    expect(broken).toBe(9);
  });

  it('keeps asking after 429, with fewer calls at once', async () => {
    const engine = await stage.engine();
    await post(`${engine.url}/faults`, { kind: 'rate-limit', ratio: 0.5, retryAfter: 'none', for: '300ms' });
    files.writeRows(chatRows(30));
    files.writeConfig([engine.url], `policies: {${QUICK_CALLS}, admission: {name: aimd, cooldown: 20ms}}`);
    expect((await say(files.args())).code).toBe(0);
    expect(files.results()).toHaveLength(30);
  });

  it('ends early when it is told to, with rows to do', async () => {
    const url = await stage.worker((_, response) => reply(response, 400, '{}'));
    files.writeRows(chatRows(50));
    files.writeConfig([url], 'concurrency: 1\nshutdown: {error_ratio: 0.5, window: 10}');
    const said = await say(files.args());
    expect([said.code, said.err]).toEqual([5, 'too many rows failed: 40 rows are to do; run again to go on\n']);
    expect(files.failures()).toHaveLength(10);
  });
});

describe('a batch that is run again', () => {
  async function begun(): Promise<void> {
    const engine = await stage.engine();
    files.writeRows(chatRows(12));
    files.writeConfig([engine.url]);
    expect((await say(files.args())).code).toBe(0);
  }

  it('does nothing when nothing is to do', async () => {
    await begun();
    const before = readFileSync(files.out, 'utf8');
    expect((await say(files.args())).out).toContain('12 of 12 rows completed, 0 failed; 0 calls');
    expect(readFileSync(files.out, 'utf8')).toBe(before);
  });

  it('cuts a torn line off and does its row again', async () => {
    await begun();
    truncateSync(files.out, readFileSync(files.out).length - 20);
    const said = await say(files.args());
    expect([said.code, said.err]).toEqual([0, `${files.out}: goes on: 11 of 12 rows are done\n`]);
    expect(new Set(files.results().map((line) => line.custom_id)).size).toBe(12);
    expect(files.results()).toHaveLength(12);
  });

  it('takes over the lock of a dead process, and refuses that of a living one', async () => {
    await begun();
    const lock = (pid: number, host = hostname()): void => {
      writeFileSync(`${files.out}.lock`, `${JSON.stringify({ pid, startedAt: '1', host })}\n`);
    };
    lock(2 ** 22 - 1);
    expect((await say(files.args())).code).toBe(0);
    lock(process.pid);
    expect((await say(files.args())).code).toBe(0);
    writeFileSync(`${files.out}.lock`, `${JSON.stringify({ pid: process.pid, startedAt: '', host: hostname() })}\n`);
    const held = await say(files.args());
    expect(held.code).toBe(2);
    expect(held.err).toContain(`held by process ${process.pid}; allowed one process at a time`);
    expect(existsSync(`${files.errors}.lock`)).toBe(false);
    lock(1, 'elsewhere');
    expect((await say(files.args())).err).toContain('held by process 1 on elsewhere');
    unlinkSync(`${files.out}.lock`);
    writeFileSync(`${files.errors}.lock`, `${JSON.stringify({ pid: 1, startedAt: '', host: 'elsewhere' })}\n`);
    expect((await say(files.args())).err).toContain('errors.jsonl.lock: held by process 1 on elsewhere');
    expect(existsSync(`${files.out}.lock`)).toBe(false);
  });

  it('refuses another input, configuration or errors file', async () => {
    await begun();
    appendFileSync(files.rows, `${JSON.stringify(chatRow(99))}\n`);
    expect((await say(files.args())).err).toContain('had another input (12 rows); allowed the same input, unchanged');
    files.writeRows([...chatRows(11), chatRow(99)]);
    expect((await say(files.args())).err).toContain('had another input (12 rows)');
    files.writeRows(chatRows(12));
    const other = await say(files.args('--errors', `${files.folder}/other`));
    expect([other.code, other.err]).toEqual([2, expect.stringContaining('allowed the same --errors')]);
    appendFileSync(files.config, 'concurrency: 2\n');
    const said = await say(files.args());
    expect(said.code).toBe(2);
    expect(said.err).toContain('had another configuration; allowed the same configuration, --retry-errors');
  });

  it('refuses files that are not its own', async () => {
    await begun();
    appendFileSync(files.out, `{"custom_id":"row-1","response":{}}\n`);
    expect((await say(files.args())).err).toContain('custom_id "row-1" has ended before; allowed once');
    writeFileSync(files.out, `{"custom_id":"x","response":{}}\n`);
    expect((await say(files.args())).err).toContain('custom_id "x" is not in');
    writeFileSync(files.out, `hello\n${JSON.stringify({ custom_id: 'row-1', response: {} })}\n`);
    expect((await say(files.args())).err).toContain('results.jsonl:1: no line of a batch');
    writeFileSync(`${files.out}.state`, '{}');
    expect((await say(files.args())).err).toContain('no state of a batch of this version');
  });

  it('runs the rows in the errors once more with --retry-errors, with another configuration if need be', async () => {
    const engine = await stage.engine();
    await post(`${engine.url}/faults`, { kind: 'errors', ratio: 1, status: 400 });
    files.writeRows(chatRows(8));
    files.writeConfig([engine.url]);
    expect((await say(files.args())).code).toBe(1);
    expect(files.failures()).toHaveLength(8);
    await fetch(`${engine.url}/faults`, { method: 'DELETE' });
    appendFileSync(files.config, 'concurrency: 2\n');
    expect((await say(files.args('--retry-errors'))).code).toBe(0);
    expect([files.results().length, files.failures().length]).toEqual([8, 0]);
  });
});

describe('a batch is refused', () => {
  const good = JSON.stringify(chatRow(1));

  it.each([
    [['{'], 'rows.jsonl:1: { is no JSON; allowed one JSON object a line'],
    [['[]'], 'rows.jsonl:1: value []; allowed an object with custom_id, method, url, body'],
    [[good, good], 'rows.jsonl:2: custom_id: value "row-1" a second time; allowed once'],
    [[{ ...chatRow(1), more: 1 }], 'rows.jsonl:1: more: unknown key; allowed custom_id, method, url, body'],
    [[{ ...chatRow(1), custom_id: '' }], 'custom_id: value ""; allowed text of 1 to 512 characters'],
    [[{ ...chatRow(1), method: 'GET' }], 'method: value "GET"; allowed POST'],
    [[{ ...chatRow(1), url: 'http://evil/v1/completions' }], 'url: value "http://evil/v1/completions"; allowed /v1/'],
    [[{ ...chatRow(1), url: '//evil/v1/completions' }], 'url: value "//evil/v1/completions"; allowed /v1/'],
    [[{ ...chatRow(1), body: [] }], 'body: value []; allowed an object'],
    [[chatRow(1, { stream: true })], 'body.stream: value true; allowed false'],
    [['', '  '], 'no rows; allowed at least one'],
  ])('for the input %j', async (lines, message) => {
    files.writeRows(lines);
    files.writeConfig(['http://127.0.0.1:1']);
    const said = await say(files.args());
    expect(said.code).toBe(2);
    expect(said.err).toContain(message);
    expect(existsSync(files.out)).toBe(false);
  });

  it.each([
    ['worker: []', 'worker: unknown key; allowed workers, urls, concurrency'],
    ['urls: [/v1/other]', 'urls.0: value "/v1/other"; allowed /v1/chat/completions'],
    ['concurrency: 0', 'concurrency: value 0; allowed'],
    ['stop_timeout: 5', 'stop_timeout: value 5; allowed a duration'],
    ['shutdown: {window: 0}', 'shutdown.window'],
    ['reply: 5', "reply: value 5; allowed a size with its unit"],
    ['policies: {salvage: {name: none}}', 'policies.salvage'],
    ['policies: {health: {name: probes}}', 'a batch does not probe'],
    ['upstream: {key_env: SPILLWAY_UNSET}', 'SPILLWAY_UNSET holds no secret'],
    ['upstream: {ca_file: gone.pem}', 'upstream.ca_file:'],
  ])('for the configuration %j', async (text, message) => {
    files.writeRows([good]);
    files.writeConfig(['http://127.0.0.1:1'], text);
    const said = await say(files.args());
    expect(said.code).toBe(2);
    expect(said.err).toContain(message);
  });

  it('for its command line', async () => {
    files.writeRows([good]);
    files.writeConfig([]);
    expect((await say(files.args())).err).toContain('workers: value []; allowed at least 1 entry');
    files.writeConfig(['http://a', 'http://a']);
    expect((await say(files.args())).err).toContain('workers: a URL twice');
    const { rows, out, config } = files;
    expect((await say(['batch', rows, '--out', out])).err).toContain('missing --config; allowed a file');
    expect((await say(['batch', rows, '--config', config])).err).toContain('missing --out; allowed a file');
    expect((await say(['batch', '--out', out, '--config', config])).code).toBe(2);
    files.writeConfig(['http://a']);
    expect((await say(['batch', rows, '--out', rows, '--config', config])).err).toContain('is the input');
    expect((await say(files.args('--errors', out))).err).toContain('is --out; allowed another file');
    expect((await say(files.args('--retry'))).err).toContain('unknown flag --retry');
    expect((await say(['batch', `${rows}x`, '--out', out, '--config', config])).err).toContain('no such file');
    writeFileSync(out, 'something');
    expect((await say(files.args())).err).toContain('is there without');
  });
});
