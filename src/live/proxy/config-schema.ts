/**
 * The configuration of `spillway proxy`. Its `policies:` block is the one of a scenario: the same schema, the same
 * objects. Keys outside it are written with underscores. Durations and sizes carry their unit. Secrets are named by
 * file or environment variable and never written here.
 */
import { z } from 'zod';
import { count, duration, unknownKeys } from '../../../policies/config.ts';
import type { PolicyEntry } from '../../../policies/entry.ts';
import { policiesSchema } from '../../../policies/schema.ts';
import { parseListenAddress } from '../http/listen-address.ts';

const SIZE_HELP = "a size with its unit, such as '64KiB' or '128MiB'";
const SIZE = /^(\d{1,6})(B|KiB|MiB|GiB)$/;
const BYTES: Readonly<Record<string, number>> = { B: 1, KiB: 1 << 10, MiB: 1 << 20, GiB: 1 << 30 };

/** Output: bytes. */
export function size() {
  return z
    .string({ error: SIZE_HELP })
    .regex(SIZE, { error: SIZE_HELP })
    .transform((text) => {
      const [, digits, unit] = SIZE.exec(text) as unknown as [string, string, string];
      return Number(digits) * (BYTES[unit] as number);
    });
}

export function block<const Fields extends z.ZodRawShape>(name: string, fields: Fields) {
  return z.strictObject(fields, { error: unknownKeys(name, Object.keys(fields)) });
}

const ADDRESS_HELP = 'HOST:PORT, such as 127.0.0.1:8080 or [::1]:8080';
const address = z.string({ error: ADDRESS_HELP }).transform((text, context) => {
  const parsed = parseListenAddress(text);
  if (parsed !== undefined) return parsed;
  context.addIssue({ code: 'custom', message: ADDRESS_HELP, input: text });
  return z.NEVER;
});

const path = z.string().min(1).max(4096);
const variable = z.string().regex(/^[A-Za-z_][A-Za-z0-9_]*$/, { error: 'the name of an environment variable' });

const URL_HELP = 'http://HOST:PORT or https://HOST:PORT, without a path';
/** Output: the origin. */
export const workerUrl = z.string({ error: URL_HELP }).transform((text, context) => {
  const url = URL.canParse(text) ? new URL(text) : undefined;
  const isOrigin = url !== undefined && url.pathname === '/' && url.search === '' && url.hash === '';
  const isPlain = isOrigin && url.username === '' && url.password === '' && !text.includes('@');
  if (isPlain && (url.protocol === 'http:' || url.protocol === 'https:')) return url.origin;
  context.addIssue({ code: 'custom', message: URL_HELP, input: text });
  return z.NEVER;
});

const secret = {
  key_file: path.optional().describe('File that holds the key.'),
  key_env: variable.optional().describe('Environment variable that holds the key.'),
};

function oneSecret(value: { readonly key_file?: unknown; readonly key_env?: unknown }, context: z.RefinementCtx): void {
  if (value.key_file === undefined || value.key_env === undefined) return;
  context.addIssue({ code: 'custom', path: ['key_env'], message: 'key_file or key_env, not both' });
}

const tls = block('tls', {
  cert_file: path.describe('Certificate chain, PEM.'),
  key_file: path.describe('Private key, PEM.'),
});

export const upstream = block('upstream', {
  ...secret,
  connect_timeout: duration('1ms').prefault('5s').describe('Until a connection to a worker stands. Default 5s.'),
  keep_alive: duration('1ms').prefault('4s').describe('An idle connection is kept so long. Default 4s.'),
  ca_file: path.optional().describe('Certificates that workers are checked against, PEM. Default: those of node.'),
  server_name: z.string().min(1).max(253).optional().describe('Name in the certificate of workers, and for SNI.'),
})
  .superRefine(oneSecret)
  .describe("Connections to workers. The key goes to them as a bearer token; clients' own keys never do.");

const dns = block('dns', {
  host: z.string().min(1).max(253).describe('Name whose addresses are the workers.'),
  port: count(1, 65535).describe('Their port.'),
  scheme: z.enum(['http', 'https']).default('http'),
  every: duration('100ms').prefault('10s').describe('Between two look-ups. Default 10s.'),
});
const watched = block('file', {
  path: path.describe('YAML or JSON: a list of worker URLs, read again when it changes.'),
  every: duration('100ms').prefault('1s').describe('Between two looks at the file. Default 1s.'),
});
const discovery = block('discovery', { file: watched.optional(), dns: dns.optional() });

const limits = block('limits', {
  body: size().prefault('16MiB').describe('Of one request. Default 16MiB.'),
  headers: size().prefault('16KiB').describe('Of one request, all together. Default 16KiB.'),
  header_count: count(1, 10_000).prefault(100).describe('Headers of one request. Default 100.'),
  buffered: size().prefault('128MiB').describe('Of all requests in memory together. Default 128MiB.'),
  connections: count(1).prefault(10_000).describe('Of clients at once. Default 10000.'),
});

const timeouts = block('timeouts', {
  headers: duration('10ms').prefault('10s').describe('Until a request’s headers are there. Default 10s.'),
  request: duration('10ms').prefault('60s').describe('Until a request is there whole. Default 60s.'),
  keep_alive: duration('10ms').prefault('75s').describe("A client's idle connection is kept so long. Default 75s."),
});

const probe = block('probe', {
  path: z
    .string()
    .regex(/^\/[\x21-\x7e]*$/, { error: 'a path such as /health' })
    .default('/health'),
}).describe('What policies.health asks of a worker; any 2xx is good.');

const load = block('load', {
  source: z.enum(['none', 'vllm', 'sglang']).default('none').describe('Whose words workers speak. Default none.'),
  every: duration('10ms').prefault('1s').describe('Between two reports of a worker. Default 1s; smg 10s.'),
  timeout: duration('10ms').prefault('1s').describe('A report that takes longer is lost. Default 1s; smg 5s.'),
  stamps: z
    .enum(['arrival', 'worker'])
    .default('arrival')
    .describe("How old a report is: since it arrived, or by the stamp of SGLang's /v1/loads. Default arrival."),
}).describe("What workers say of their load: vLLM's /metrics, or SGLang's /v1/loads, /metrics and /server_info.");

const drain = block('drain', {
  delay: duration().prefault('0s').describe('Still accepting after SIGTERM, for balancers to notice. Default 0s.'),
  timeout: duration().prefault('30s').describe('What still runs after that is cut. Default 30s.'),
});

const admin = block('admin', {
  listen: address.describe('Loopback, unless there is a key.'),
  ...secret,
}).superRefine(oneSecret);

const log = block('log', {
  level: z.enum(['fatal', 'error', 'warn', 'info', 'debug', 'silent']).default('info'),
  requests: z.boolean().default(true).describe('One line for each request. Default true.'),
});

const journal = block('journal', {
  segment: size().prefault('64MiB').describe('Of one segment of the journal. Default 64MiB.'),
  keep: count(1, 10_000).prefault(16).describe('Segments kept beside the one that is written. Default 16.'),
  prompts: z
    .boolean()
    .default(false)
    .describe('The text of prompts too: what clients wrote, for whoever reads the file. Default false.'),
  prompt_bytes: size().prefault('16KiB').describe('Of one prompt; what lies beyond is left out. Default 16KiB.'),
}).describe('Of --journal FILE: FILE.1, FILE.2 and so on come before FILE. Holds after a restart.');

const prompt = block('prompt', {
  bytes_per_token: count(1, 64).prefault(4).describe('Of UTF-8. Default 4.'),
  output_tokens: count(0).prefault(256).describe('Of a request that does not limit them. Default 256.'),
  block_tokens: count(1, 4096).prefault(64).describe('Of one block that routers compare. Default 64.'),
  blocks: count(1, 256).prefault(32).describe('Leading blocks that are told apart. Default 32.'),
}).describe('What policies are told of a prompt.');

/** The whole configuration, for these policy entries. */
export function proxyConfigSchema(entries: readonly PolicyEntry[]) {
  const fields = {
    listen: address.prefault('127.0.0.1:8080').describe('Default 127.0.0.1:8080.'),
    tls: tls.optional().describe('Absent: plain HTTP.'),
    keys_file: path.optional().describe('Who may send requests. Absent: anyone who reaches the listener.'),
    models: z
      .array(z.string().min(1).max(256))
      .max(1000)
      .default([])
      .describe('Served; any other is refused with 404. Empty: all.'),
    workers: z.array(workerUrl).max(1000).default([]).describe('URLs of workers that are always there.'),
    discovery: discovery.prefault({}).describe('Workers that come and go.'),
    upstream: upstream.prefault({}),
    retry_sent: z
      .boolean()
      .default(true)
      .describe('An attempt whose request may have run is followed by another. Off: only refused ones are.'),
    write_timeout: duration('10ms').prefault('30s').describe('A client that reads nothing for so long is cut off.'),
    limits: limits.prefault({}),
    timeouts: timeouts.prefault({}),
    probe: probe.prefault({}),
    load: load.prefault({}),
    drain: drain.prefault({}),
    admin: admin.optional().describe('Metrics, status, thresholds. Absent: none of them.'),
    log: log.prefault({}),
    journal: journal.prefault({}),
    prompt: prompt.prefault({}),
    policies: policiesSchema(entries),
  };
  return z.strictObject(fields, { error: unknownKeys('the configuration', Object.keys(fields)) });
}

/** Checked, defaults filled in; durations in microseconds, sizes in bytes. */
export type ProxyConfig = z.output<ReturnType<typeof proxyConfigSchema>>;
