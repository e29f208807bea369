import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { z } from 'zod';
import { readCsv, readJson, readJsonLines } from '../../src/truth/table-file.ts';
import { folderWith } from './synthetic-log.ts';

const schema = z.object({ a: z.coerce.number(), b: z.string().optional() });

/** What `read` says of a file with this text. */
function complaint(text: string, read: (path: string) => unknown): string {
  const path = join(folderWith({ f: text }), 'f');
  try {
    read(path);
  } catch (error) {
    return (error as Error).message.replace(path, 'f');
  }
  return '';
}

describe('CSV', () => {
  const read = (path: string) => readCsv(path, schema);

  it('is read by the names of its header, empty cells are missing', () => {
    const path = join(folderWith({ f: 'b,a,c\r\nx,1,9\r\n,2,9\r\n\r\n' }), 'f');
    expect(read(path)).toEqual({ rows: [{ a: 1, b: 'x' }, { a: 2 }], unread: ['c'] });
  });

  it.each([
    ['', 'f: empty; allowed at least one line'],
    ['b\nx\n', 'f:2 a: missing; allowed a number'],
    ['a,b\n1\n', 'f:2 value "1": 1 columns; allowed 2, as the header has'],
    ['a,b\n1,x\nz,y\n', 'f:3 a: value "z"; allowed a number'],
    ['a,a\n1,2\n', 'f:1 column "a": there twice; allowed once'],
  ])('is refused with line, field and value: %j', (text, message) => expect(complaint(text, read)).toBe(message));
});

describe('JSON lines', () => {
  const lines = z.object({ a: z.number() });
  const read = (path: string) => readJsonLines(path, lines);

  it('are read one object a line, other fields told apart', () => {
    const path = join(folderWith({ f: '{"a": 1, "x": 2}\n{"y": 3, "a": 2, "x": 4}\n' }), 'f');
    expect(read(path)).toEqual({ rows: [{ a: 1 }, { a: 2 }], unread: ['x', 'y'] });
  });

  it.each([
    ['{"a": 1}\n{"a": 2', 'f:2 value "{\\"a\\": 2": not JSON; allowed one whole JSON object a line'],
    ['{"a": 1}\n{"b": 2}\n', 'f:2 a: missing; allowed a number'],
    ['{"a": "1"}\n', 'f:1 a: value "1"; allowed a number'],
    ['[1]\n', 'f:1 value [1]; allowed a mapping of keys to values'],
  ])('are refused with line, field and value: %j', (text, message) => expect(complaint(text, read)).toBe(message));
});

describe('a JSON document', () => {
  const read = (path: string) => readJson(path, z.looseObject({ a: z.looseObject({ b: z.number() }) }));

  it('is refused where it is cut off, lacks a field, or is no file', () => {
    expect(complaint('{"a": ', read)).toMatch(/^f: not JSON \(.*\); allowed one whole document$/);
    expect(complaint('{"a": {}}', read)).toBe('f a.b: missing; allowed a number');
    expect(() => read('nowhere.json')).toThrow('nowhere.json: no such file; allowed a file that can be read');
  });
});
