/**
 * Which workers there are: those of the configuration, those a watched file lists, those a name resolves to. A file or
 * a resolver that fails changes nothing: what was known stays, since an empty answer of a broken source would empty the
 * fleet.
 */
import { lookup } from 'node:dns/promises';
import { readFile } from 'node:fs/promises';
import { parse } from 'yaml';
import { z } from 'zod';
import type { Agenda, Deadline } from '../agenda.ts';
import { type ProxyConfig, workerUrl } from '../proxy/config-schema.ts';

export interface DiscoveryPeers {
  now(): number;
  /** Runs as an event of the host. */
  run(job: () => void): void;
  /** The whole set, whenever it changed. */
  found(urls: readonly string[]): void;
  /** A source that could not be read; it is asked again. */
  failed(source: 'file' | 'dns', why: string): void;
}

const LIST_MAX = 1000;
const listSchema = z.union([
  z.array(workerUrl).max(LIST_MAX),
  z.strictObject({ workers: z.array(workerUrl).max(LIST_MAX) }).transform(({ workers }) => workers),
]);

type Rules = Pick<ProxyConfig, 'workers' | 'discovery'>;

export class Discovery {
  readonly #agenda: Agenda;
  readonly #peers: DiscoveryPeers;
  readonly #file: Source;
  readonly #dns: Source;
  #rules: Rules;
  #found = '';

  constructor(agenda: Agenda, rules: Rules, peers: DiscoveryPeers) {
    this.#agenda = agenda;
    this.#rules = rules;
    this.#peers = peers;
    this.#file = { urls: [], text: undefined, asked: 0, next: agenda.deadline(() => void this.#look('file')) };
    this.#dns = { urls: [], text: undefined, asked: 0, next: agenda.deadline(() => void this.#look('dns')) };
  }

  /** Resolves when every source was asked once. */
  async start(): Promise<void> {
    this.#publish();
    await Promise.all([this.#look('file'), this.#look('dns')]);
  }

  /** Other rules from now on; sources that are asked no more are forgotten. */
  async configure(rules: Rules): Promise<void> {
    this.#rules = rules;
    for (const [name, source] of [['file', this.#file], ['dns', this.#dns]] as const) {
      this.#agenda.cancel(source.next);
      source.asked++;
      if (rules.discovery[name] === undefined) source.urls = [];
      source.text = undefined;
    }
    await this.start();
  }

  close(): void {
    for (const source of [this.#file, this.#dns]) {
      source.asked++;
      this.#agenda.cancel(source.next);
    }
  }

  async #look(name: 'file' | 'dns'): Promise<void> {
    const source = name === 'file' ? this.#file : this.#dns;
    const rules = this.#rules.discovery[name];
    if (rules === undefined) return;
    const asked = ++source.asked;
    let found: { text: string; urls: readonly string[] } | undefined;
    let failure = '';
    try {
      found = name === 'file' ? await this.#readFile(source) : await this.#resolve();
    } catch (error) {
      failure = (error as Error).message;
    }
    this.#peers.run(() => {
      if (asked !== source.asked) return;
      if (found === undefined) this.#peers.failed(name, failure);
      else Object.assign(source, found);
      this.#agenda.set(source.next, this.#peers.now() + rules.every);
      this.#publish();
    });
  }

  /** Read whole each time: a file that is replaced by renaming is noticed like one that is written over. */
  async #readFile(source: Source): Promise<{ text: string; urls: readonly string[] }> {
    const { path } = this.#rules.discovery.file as NonNullable<Rules['discovery']['file']>;
    const text = await readFile(path, 'utf8');
    if (text === source.text) return { text, urls: source.urls };
    const parsed = listSchema.safeParse(parse(text, { maxAliasCount: 0 }));
    if (!parsed.success) throw new Error(`${path}: no list of worker URLs: ${parsed.error.issues[0]?.message ?? ''}`);
    return { text, urls: parsed.data };
  }

  async #resolve(): Promise<{ text: string; urls: readonly string[] }> {
    const { host, port, scheme } = this.#rules.discovery.dns as NonNullable<Rules['discovery']['dns']>;
    const addresses = await lookup(host, { all: true });
    const urls = addresses.map(({ address, family }) => {
      return `${scheme}://${family === 6 ? `[${address}]` : address}:${port}`;
    });
    return { text: '', urls: urls.map((url) => new URL(url).origin).sort() };
  }

  #publish(): void {
    const urls = [...new Set([...this.#rules.workers, ...this.#file.urls, ...this.#dns.urls])];
    const found = JSON.stringify(urls);
    if (found === this.#found) return;
    this.#found = found;
    this.#peers.found(urls);
  }
}

interface Source {
  urls: readonly string[];
  text: string | undefined;
  /** Questions so far; the answer to an older one is void. */
  asked: number;
  readonly next: Deadline;
}
