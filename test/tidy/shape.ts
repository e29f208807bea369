/** Size, names and form of files: what keeps them readable. */
import { posix } from 'node:path';
import ts from 'typescript';
import { violation, walk, type Source, type Violation } from './source.ts';

export const FILE_LINES = 400;
export const FUNCTION_LINES = 60;
export const LINE_COLUMNS = 120;

const KEBAB = /^[a-z0-9]+(-[a-z0-9]+)*(\.(test|property\.test|bench|config|d))?\.[a-z]+$/;
const UNFINISHED = new RegExp(`\\b(${['TO', 'DO'].join('')}|${['FIX', 'ME'].join('')})\\b`);

/** Too long files, functions and lines. */
export function checkSizes(source: Source): Violation[] {
  const found: Violation[] = [];
  const lines = source.text.split('\n');
  if (lines.at(-1) === '') lines.pop();
  if (lines.length > FILE_LINES) found.push(`${source.path}:1: ${lines.length} lines, at most ${FILE_LINES}`);
  for (const [i, line] of lines.entries()) {
    const columns = [...line].length;
    if (columns > LINE_COLUMNS) found.push(`${source.path}:${i + 1}: ${columns} columns, at most ${LINE_COLUMNS}`);
  }
  walk(source.tree, (node) => {
    if (!ts.isFunctionLike(node) || isSuite(node)) return;
    const start = node.getStart(source.tree);
    const first = source.tree.getLineAndCharacterOfPosition(start).line;
    const count = source.tree.getLineAndCharacterOfPosition(node.end).line - first + 1;
    if (count <= FUNCTION_LINES) return;
    found.push(violation(source, start, `a function of ${count} lines, at most ${FUNCTION_LINES}`));
  });
  return found;
}

/** The callback of `describe`: a list of tests, not a function that anyone reads as one. */
function isSuite(node: ts.Node): boolean {
  const call = node.parent;
  if (!ts.isCallExpression(call) || !call.arguments.includes(node as ts.Expression)) return false;
  return /^describe\b/.test(call.expression.getText());
}

/** File and folder names, default exports, unfinished business. */
export function checkForm(source: Source): Violation[] {
  const found: Violation[] = [];
  const name = posix.basename(source.path);
  if (!KEBAB.test(name)) found.push(`${source.path}:1: file names are kebab-case`);
  if (/(^|[/.-])(utils?|helpers?|misc|common)([/.-]|$)/.test(source.path)) {
    found.push(`${source.path}:1: say what it is for; a helper lives with its user`);
  }
  for (const [i, line] of source.text.split('\n').entries()) {
    if (UNFINISHED.test(line)) found.push(`${source.path}:${i + 1}: unfinished business belongs in an issue`);
  }
  // Tools insist on a default export in their configuration.
  const isConfig = /^[a-z]+\.config\.ts$/.test(source.path);
  walk(source.tree, (node) => {
    const assigned = ts.isExportAssignment(node);
    const modifiers = ts.canHaveModifiers(node) ? (ts.getModifiers(node) ?? []) : [];
    const modified = modifiers.some((each) => each.kind === ts.SyntaxKind.DefaultKeyword);
    const named = ts.isExportSpecifier(node) && node.name.text === 'default';
    if (!isConfig && (assigned || modified || named)) {
      found.push(violation(source, node.getStart(source.tree), 'no default export'));
    }
  });
  return found;
}

/** Files of policies and of src open with a comment of at least a sentence that says what they are about. */
export function checkHeader(source: Source): Violation[] {
  if (!/^(policies|src)\//.test(source.path)) return [];
  const comment = ts.getLeadingCommentRanges(source.text, 0)?.[0];
  const text = comment === undefined ? '' : source.text.slice(comment.pos, comment.end);
  const words = text.match(/[\p{L}\d]+/gu)?.length ?? 0;
  if (text.startsWith('/**') && words >= 5) return [];
  return [`${source.path}:1: open with a comment that says what it is about`];
}

/** Paths of the machine that something was written on, in any text. */
export function checkMachinePaths(path: string, text: string): Violation[] {
  const machine = new RegExp(`(^|[^\\w.])/(${['work', 'root'].join('|')})/`);
  return text.split('\n').flatMap((line, i) => (machine.test(line) ? [`${path}:${i + 1}: a path of one machine`] : []));
}

/** Names of tests are claims in the present tense. */
export function checkTestNames(source: Source): Violation[] {
  const found: Violation[] = [];
  walk(source.tree, (node) => {
    if (!ts.isCallExpression(node) || !/^(it|test|describe)\b/.test(node.expression.getText())) return;
    const [name] = node.arguments;
    if (name === undefined || ts.isArrayLiteralExpression(name) || ts.isIdentifier(name)) return;
    const text = name.getText().slice(1, -1);
    const wrong = /\b(should|works|correctly|properly)\b/i.exec(text)?.[0];
    if (wrong !== undefined) found.push(violation(source, name.getStart(), `'${wrong}' in a name: claim what happens`));
    if (text.trim() === '') found.push(violation(source, name.getStart(), 'a test without a name'));
  });
  return found;
}
