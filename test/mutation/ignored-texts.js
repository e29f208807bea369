/**
 * What Stryker does not mutate inside policies/: text for people. Descriptions of settings (`.describe(…)`), what an
 * entry `decides` and its `source`, and the message of an `assert`. The conditions of asserts are mutated.
 */
const ENTRY_TEXTS = ['decides', 'source'];

/** `path`: Babel's path of the node that would be mutated, with everything below it. */
function shouldIgnore(path) {
  const { node, parent, parentPath, listKey, key } = path;
  const isArgument = listKey === 'arguments' && parent.type === 'CallExpression';
  if (isArgument && parent.callee.type === 'MemberExpression' && parent.callee.property.name === 'describe') {
    return 'description of a setting';
  }
  if (isArgument && key === 1 && parent.callee.type === 'Identifier' && parent.callee.name === 'assert') {
    return 'message of an assert';
  }
  if (node.type === 'StringLiteral' && parentPath?.isObjectProperty() && ENTRY_TEXTS.includes(parent.key.name)) {
    return 'text of an entry';
  }
  return undefined;
}

export const strykerPlugins = [{ kind: 'Ignore', name: 'texts', value: { shouldIgnore } }];
