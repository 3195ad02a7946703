// The language of a code block as its class or data attribute says.
const NOT_A_LANGUAGE: ReadonlySet<string> = new Set([
  'default',
  'none',
  'text',
  'txt',
  'plain',
  'plaintext',
  'notranslate',
  'output',
  'highlighter',
  'rouge',
  'auto',
  'nohighlight',
  'source',
  'code',
  'block',
]);
const SAME: ReadonlyMap<string, string> = new Map([
  ['python3', 'python'],
  ['py', 'python'],
  ['py3', 'python'],
  ['ipython3', 'python'],
  ['ipython', 'python'],
  ['pycon3', 'pycon'],
  ['js', 'javascript'],
  ['ts', 'typescript'],
  ['sh', 'bash'],
  ['shell', 'bash'],
  ['zsh', 'bash'],
  ['rb', 'ruby'],
  ['yml', 'yaml'],
  ['c++', 'cpp'],
  ['rs', 'rust'],
  ['golang', 'go'],
  ['shell-session', 'console'],
  ['shellsession', 'console'],
]);
const IN_CLASS = /(?:^|\s)(?:language|lang|highlight-source|highlight|source|brush)[-:]\s*([\w+#.-]{1,30})/gi;

/** A usual name of the language in lower case, or null for none and for plain text. */
export const languageName = (name: string): string | null => {
  const lower = name
    .trim()
    .toLowerCase()
    .replace(/^\{?\.?|[;,}].*$/g, '');
  if (lower === '' || lower.length > 30 || !/^[a-z0-9+#.-]+$/.test(lower) || NOT_A_LANGUAGE.has(lower)) return null;
  return SAME.get(lower) ?? lower;
};

/** From language-x, lang-x, highlight-x, brush: x, sourceCode x in a class attribute. */
export const languageOfClass = (names: string): string | null => {
  if (names.length > 500 || !/lang|highlight|source|brush/i.test(names)) return null;
  for (const match of names.matchAll(IN_CLASS)) {
    const language = languageName(match[1] ?? '');
    if (language !== null) return language;
  }
  const pandoc = /(?:^|\s)sourceCode\s+([\w+#-]+)/.exec(names);
  return pandoc === null ? null : languageName(pandoc[1] ?? '');
};
