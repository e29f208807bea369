/** Files of one batch in a folder of their own, and what is in them afterwards. */
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface OutputLine {
  readonly id: string;
  readonly custom_id: string;
  readonly response: { readonly status_code: number; readonly request_id: string; readonly body: unknown } | null;
  readonly error: { readonly code: string; readonly message: string } | null;
}

/** Repeats at once, so that tests need not wait. */
export const QUICK_CALLS =
  'callRetry: {name: exponential, maxAttempts: 3, initialBackoff: 1ms, maxBackoff: 2ms, retryAfter: ignore}';

export class BatchFiles {
  readonly folder = mkdtempSync(join(tmpdir(), 'spillway-batch-'));
  readonly rows = join(this.folder, 'rows.jsonl');
  readonly config = join(this.folder, 'batch.yaml');
  readonly out = join(this.folder, 'results.jsonl');
  readonly errors = join(this.folder, 'results.errors.jsonl');

  /** The command line. */
  args(...more: readonly string[]): string[] {
    return ['batch', this.rows, '--out', this.out, '--config', this.config, ...more];
  }

  writeRows(lines: readonly (object | string)[]): void {
    const texts = lines.map((line) => (typeof line === 'string' ? line : JSON.stringify(line)));
    writeFileSync(this.rows, `${texts.join('\n')}\n`);
  }

  /** `rest`: YAML besides the workers. */
  writeConfig(workers: readonly string[], rest = `policies: {${QUICK_CALLS}}`): void {
    writeFileSync(this.config, `workers: [${workers.join(', ')}]\n${rest}\n`);
  }

  results(): OutputLine[] {
    return linesOf(this.out);
  }

  failures(): OutputLine[] {
    return linesOf(this.errors);
  }

  remove(): void {
    rmSync(this.folder, { recursive: true, force: true });
  }
}

export function chatRow(index: number, body: object = {}): object {
  const messages = [{ role: 'user', content: `question ${index}` }];
  const full = { model: 'test-model', messages, max_tokens: 3, ...body };
  return { custom_id: `row-${index}`, method: 'POST', url: '/v1/chat/completions', body: full };
}

export function chatRows(count: number): object[] {
  return Array.from({ length: count }, (_, index) => chatRow(index));
}

function linesOf(path: string): OutputLine[] {
  const text = readFileSync(path, 'utf8');
  if (text !== '' && !text.endsWith('\n')) throw new Error(`${path} ends in a torn line`);
  return text.split('\n').slice(0, -1).map((line) => JSON.parse(line) as OutputLine);
}
