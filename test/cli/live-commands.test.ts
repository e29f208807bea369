/** The command line of the live commands, up to the point where sockets begin. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { say } from './fake-terminal.ts';

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'spillway-live-'));
});
afterAll(() => rmSync(folder, { recursive: true }));

function write(name: string, text: string): string {
  const path = join(folder, name);
  writeFileSync(path, text);
  return path;
}

describe('spillway proxy --check-config', () => {
  it('says that a configuration is good, and what it does', async () => {
    const keys = `keys: [{tenant: a, sha256: ${'a'.repeat(64)}}]`;
    write('keys.yaml', keys);
    const config = write('good.yaml', 'listen: 0.0.0.0:1\nkeys_file: keys.yaml\nworkers: [http://a:1, http://b:2/]\n');
    const { code, out, err } = await say(['proxy', '--config', config, '--check-config']);
    expect({ code, err }).toEqual({ code: 0, err: '' });
    expect(out).toBe(`${config}: good; listens on 0.0.0.0:1, 1 keys, 2 workers\n`);
  });

  it.each([
    ['listen: 80', 'bad.yaml:1:1 listen: value 80; allowed HOST:PORT'],
    ['workers: [ftp://x]', 'workers.0: value "ftp://x"; allowed http://HOST:PORT'],
    ['workers: [http://u:p@x]', 'allowed http://HOST:PORT'],
    ['workers: [http://x/v1]', 'allowed http://HOST:PORT'],
    ['workers: [http://x]\nwrite_timeout: 30', 'write_timeout: value 30; allowed a duration with its unit'],
    ['workers: [http://x]\nlimits: {body: 1MB}', "allowed a size with its unit, such as '64KiB'"],
    ['workers: [http://x]\nworker: 1', "worker: unknown key; allowed listen, tls, keys_file"],
    ['workers: [http://x]\npolicies: {router: {name: least}}', 'value "least"; allowed power-of-two'],
    ['workers: [http://x]\nupstream: {key_file: a, key_env: B}', 'key_file or key_env, not both'],
    ['workers: [http://x]\nupstream: {key_env: SPILLWAY_UNSET}', 'SPILLWAY_UNSET holds no secret'],
    ['workers: [http://x]\nkeys_file: none.yaml', 'none.yaml cannot be read: ENOENT'],
    ['workers: [http://x]\nlisten: 0.0.0.0:80', 'without keys_file; allowed a loopback address'],
    ['workers: [http://x, http://x]', 'a URL twice'],
    ['{}', 'workers: none'],
    ['', 'workers: none'],
    ['a: [', 'not YAML'],
  ])('refuses %j', async (text, message) => {
    const { code, err } = await say(['proxy', '--config', write('bad.yaml', text), '--check-config']);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });

  it('needs a file that can be read', async () => {
    expect(await say(['proxy'])).toMatchObject({ code: 2, err: 'spillway: missing --config; allowed a file\n' });
    const gone = await say(['proxy', '--config', join(folder, 'gone.yaml')]);
    expect(gone).toMatchObject({ code: 2 });
    expect(gone.err).toContain('no such file; allowed a file that can be read');
  });
});

describe('spillway engine', () => {
  it.each([
    [['--port', '99999'], '--port: value "99999"; allowed a whole number from 0 to 65535'],
    [['--speed', '0'], '--speed: value "0"; allowed a number from 0.001 to 1000000'],
    [['--set', 'blocks=0'], 'engine.blocks: value 0; allowed a whole number from 1 to 100000000'],
    [['--set', 'block=1'], 'engine.block: unknown key'],
    [['--preset', 'none-such'], 'value "none-such"; allowed'],
    [['--key-env', 'SPILLWAY_UNSET'], '--key-env: the environment variable SPILLWAY_UNSET holds no secret'],
    [['extra'], 'unknown argument extra'],
  ])('refuses %j', async (args, message) => {
    const { code, err } = await say(['engine', ...args]);
    expect(code).toBe(2);
    expect(err).toContain(message);
  });
});

describe('spillway replay', () => {
  const head = JSON.stringify({
    ...{ spillwayJournal: 2, seed: 's', segment: 0, retrySent: true, policies: { router: { name: 'round-robin' } } },
    ...{ snapshot: null, missing: [] },
  });
  const arrive = '["arrive",3,0,"t",1,1,0,[],0,0,"",""]';
  const fleet = ['["discovered",1,[0],["w"]]', '["status",2,0,"ready"]'];
  const end = ['["end",4,0,"ok",200,-1,1,-1]', '[">finish",0,"ok","none"]'];

  it('ends with 0 when the core does what it did', async () => {
    const journal = write('same', [head, ...fleet, arrive, '[">start",0,0,0]', ...end].join('\n'));
    const said = { code: 0, out: '4 inputs, 2 effects, all as recorded.\n', err: '' };
    expect(await say(['replay', journal])).toEqual(said);
  });

  it('ends with 4 and names the first effect that differs', async () => {
    const journal = write('other', [head, ...fleet, arrive, '[">start",0,0,1]', ...end].join('\n'));
    const { code, err } = await say(['replay', journal]);
    expect(code).toBe(4);
    expect(err).toBe(`${journal}: line 5: recorded [">start",0,0,1], replayed [">start",0,0,0]\n`);
  });

  it('ends with 2 when there is no journal', async () => {
    expect((await say(['replay', join(folder, 'gone')])).err).toContain('cannot be read: ENOENT');
    expect((await say(['replay', write('text', 'hello')])).code).toBe(2);
    expect((await say(['replay'])).code).toBe(2);
  });
});
