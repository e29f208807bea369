/**
 * Reads one YAML document as plain data and remembers where each value stands, so that a message can name the
 * line. The traps of YAML are refused rather than survived: duplicate keys, tags, directives, several
 * documents, keys that are no plain text, alias bombs, tabs, bytes that are no UTF-8. Merge keys (`<<`) are
 * off and so end as unknown keys; anchors and aliases are fine.
 */
import { isAlias, isMap, isScalar, isSeq, LineCounter, parseDocument, visit } from 'yaml';
import type { Document, Node } from 'yaml';
import { ScenarioError, shownValue } from './scenario-error.ts';

/** Aliases that expand to other aliases multiply; a hand-written scenario needs a few. */
const ALIASES_MAX = 100;

export type PathSegment = string | number;

export class YamlSource {
  readonly file: string;
  /** The document as plain data: mappings, lists, strings, numbers, booleans, null. */
  readonly value: unknown;
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;

  /** `file` is the name used in messages. Throws ScenarioError. */
  constructor(text: string, file: string) {
    this.file = file;
    this.#lines = new LineCounter();
    this.#document = parseDocument(text, {
      lineCounter: this.#lines,
      prettyErrors: false,
      version: '1.2',
      merge: false,
      uniqueKeys: true,
      // Not 'silent': that would let a second document pass.
      logLevel: 'error',
    });
    const issues = [...syntaxIssues(this.#document), ...trapIssues(this.#document)];
    if (issues.length > 0) {
      throw new ScenarioError(issues.map(({ offset, text }) => `${this.#at(offset)} ${text}`));
    }
    this.value = this.#plainData();
  }

  #plainData(): unknown {
    try {
      return this.#document.toJS({ maxAliasCount: ALIASES_MAX });
    } catch (error) {
      const reason = (error as Error).message;
      const allowed = `allowed aliases that expand to at most ${ALIASES_MAX}`;
      throw new ScenarioError([`${this.file}:1:1 scenario: ${reason}; ${allowed}`]);
    }
  }

  /** `FILE:LINE:COL` of the key at `path`, or of its nearest ancestor that is written down. */
  locate(path: readonly PathSegment[]): string {
    let node: Node | null | undefined = this.#document.contents;
    let offset = node?.range?.[0] ?? 0;
    for (const segment of path) {
      const step = this.#child(node, segment);
      if (step === undefined) break;
      offset = step.offset;
      node = step.node;
    }
    return this.#at(offset);
  }

  #child(
    parent: Node | null | undefined,
    segment: PathSegment,
  ): { offset: number; node: Node | null } | undefined {
    const node = isAlias(parent) ? parent.resolve(this.#document) : parent;
    if (isMap(node)) {
      const name = String(segment);
      const pair = node.items.find((item) => isScalar(item.key) && String(item.key.value) === name);
      if (pair === undefined) return undefined;
      const value = pair.value as Node | null;
      return { offset: (pair.key as Node).range?.[0] ?? 0, node: value };
    }
    if (isSeq(node)) {
      const item = node.items[Number(segment)] as Node | undefined;
      return item === undefined ? undefined : { offset: item.range?.[0] ?? 0, node: item };
    }
    return undefined;
  }

  #at(offset: number): string {
    const { line, col } = this.#lines.linePos(offset);
    return `${this.file}:${Math.max(1, line)}:${Math.max(1, col)}`;
  }
}

/** Text of UTF-8 bytes (a leading byte order mark is dropped). Throws ScenarioError when they are none. */
export function decodeUtf8(bytes: Uint8Array, file: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw new ScenarioError([`${file}:1:1 not UTF-8 text; allowed a YAML file in UTF-8`]);
  }
}

/**
 * A value given on the command line: any YAML scalar or flow collection. `where` opens the message. Throws
 * ScenarioError.
 */
export function parseYamlValue(text: string, where: string): unknown {
  try {
    return new YamlSource(text, '').value;
  } catch (error) {
    if (!(error instanceof ScenarioError)) throw error;
    const reason = error.message.split('\n', 1)[0]?.replace(/^:\d+:\d+ /, '') ?? '';
    throw new ScenarioError([`${where}: value ${shownValue(text)}: ${reason}; allowed a YAML value`]);
  }
}

interface SourceIssue {
  readonly offset: number;
  readonly text: string;
}

function syntaxIssues(document: Document.Parsed): SourceIssue[] {
  return document.errors.map(({ code, message, pos }) => {
    if (code === 'MULTIPLE_DOCS') return { offset: pos[0], text: 'a second document; allowed one' };
    if (code === 'DUPLICATE_KEY') return { offset: pos[0], text: 'the key is there twice; allowed once' };
    return { offset: pos[0], text: `not YAML: ${message}` };
  });
}

function trapIssues(document: Document.Parsed): SourceIssue[] {
  const issues: SourceIssue[] = [];
  const { version, explicit } = document.directives.yaml;
  if (explicit === true && version !== '1.2') {
    issues.push({ offset: 0, text: `value %YAML ${version}; allowed YAML 1.2` });
  }
  visit(document, {
    Node(_, node) {
      const offset = node.range?.[0] ?? 0;
      if (!isAlias(node) && node.tag !== undefined) {
        issues.push({ offset, text: `tag ${node.tag}; allowed no tags` });
      }
      if (isAlias(node) && node.resolve(document) === undefined) {
        issues.push({ offset, text: `alias *${node.source}; allowed an anchor that stands above` });
      }
    },
    Pair(_, pair) {
      const key = pair.key as Node | null;
      const offset = key?.range?.[0] ?? 0;
      if (!isScalar(key) || (typeof key.value !== 'string' && typeof key.value !== 'number')) {
        issues.push({ offset, text: 'a key that is no plain text; allowed a name' });
      } else if (key.value === '__proto__') {
        issues.push({ offset, text: '__proto__: unknown key; allowed any other name' });
      }
    },
  });
  return issues;
}
