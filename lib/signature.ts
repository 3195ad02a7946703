// Signatures of a reference: their full name, what sort of thing they name, and how one asks for it.
import { inContext, inPage } from './question';
import type { Subject } from './subject';

export interface Signature {
  /** With arguments and full name: "socket.socket.bind(address)". */
  full: string;
  /** As it is said: "socket.socket.bind()". */
  name: string;
  sort: 'callable' | 'class' | 'exception' | 'value';
  /** The whole of it can be said in a question: one signature, short, no declaration of C, not two calls. */
  sayable: boolean;
}

const MOST_SAID = 60;

const MARKS =
  /^(?:(?:abstractmethod|abstract|static method:?|static|async|coroutine|classmethod|staticmethod|class method:?|method:?|function:?|final|awaitable|property:?|constant:?|macro:?|interface:?|enum:?|struct:?|type)\s+)+/i;

/**
 * @param term the head of an entry, without backticks
 * @param anchor its place; where that is a dotted path to the same name it says of which class the method is
 */
export const parseSignature = (term: string, anchor: string | null): Signature => {
  const sort = /^exception /.test(term) ? 'exception' : /^(?:class[: ])/i.test(term) ? 'class' : null;
  const bare = term
    .replaceAll('`', '')
    .replace(/^(?:exception|class:?)\s+/i, '')
    .replace(MARKS, '')
    .replace(/^[\w *]*\(\*\s*(\w+)\)\s*(?=\()/, '$1') // a pointer to a function: int (*compare)(void *)
    .replace(/^(\w+) \([a-z\d][^()]* [^()]*\)$/, '$1') // "xor_row (4 byte integer)"
    .replace(/\s*\[(?:source|src|view source)\]$/i, '') // a link to the code
    .replace(/ - [A-Z]+(?: \([^()]*\))?$/, '') // "tcp_retries - INTEGER"
    .replace(/\s*(?:→|->)\s.*$|\s*:$/, '')
    .trim();
  const made = /^new /.test(bare) ? 'new ' : '';
  const at = bare.indexOf('(');
  // "V4L2_CID_GAIN (integer)" and "unt(il) [lineno]" are no calls.
  const several = /^[\w.]+\([^()]*\) [\w.]+\(/.test(bare); // "log(X) log(B,X)"
  const isNote = !several && (/^\S+ \([^,()]*\)$/.test(bare) || (at >= 0 && /\)\s+[^),\s]/.test(bare) && !bare.includes('), ')));
  const open = isNote ? -1 : at;
  const head = (at < 0 || (isNote && bare[at - 1] !== ' ') ? bare : bare.slice(0, at)).slice(made.length).trim();
  // C writes the type of what is returned before the name.
  const said = /([\w$.:~@#-]+)$/.exec(head)?.[1] ?? head;
  const qualified =
    anchor !== null && /^[A-Za-z_]\w+(?:\.\w+)+$/.test(anchor) && (anchor.endsWith(`.${said}`) || anchor === said) && said === head
      ? anchor
      : null;
  const name = qualified ?? said;
  const full = qualified === null ? bare : qualified + bare.slice(head.length);
  // "Require all denied": its last word is no name, unless its place is called so.
  const isWhole = open < 0 && said !== head && (isNote || anchor?.endsWith(said) !== true);
  const shown = isWhole ? head : name;
  return {
    full,
    name: open < 0 ? shown : `${made}${name}()`,
    sort: sort ?? (open < 0 ? 'value' : 'callable'),
    sayable: said === head && !isNote && !several && full.length <= MOST_SAID && !full.includes('), '),
  };
};

/** Says of what it is: a dot, a name space, or the spelling of a type; a word in capitals may be another thing on another page. */
const SAYS_WHERE = /[.:]|^[A-Z]+[a-z]|_/;

/**
 * Wordings for a signature; those without the whole of it are answered with it.
 * @param owner the entry that it belongs to, where it has no place of its own: a parameter, a member
 */
export const signatureQuestions = (
  { full, name, sort, sayable }: Signature,
  meaning: string,
  subject: Subject,
  owner: string | null,
): string[] => {
  const bare = name.replace(/\(\)$/, '');
  if (
    !/\p{L}/u.test(bare) ||
    /^[\w *]*\(\)\(/.test(full) ||
    (sort === 'value' && (bare.length === 1 || bare.length > MOST_SAID || /^(?:\/\*|!)|: \S| \/ | \w+\.{3,}$/.test(bare))) ||
    (sort === 'value' && /^(?:on|off|yes|no|true|false|none|all|null|default|string|integer|[\d.]+)$/i.test(bare))
  )
    return [];
  if (owner !== null) {
    const declared = /^[\w*]+(?: [\w*]+)* \**(\w+)$/.exec(full)?.[1];
    if (declared === undefined) return [`What is \`${name}\` in \`${owner}\`?`];
    return [`What is the \`${declared}\` ${owner.endsWith('()') ? 'parameter' : 'member'} of \`${owner}\`?`];
  }
  const isToolsOwn = subject.tool !== null && bare.toLowerCase().includes(subject.tool.toLowerCase());
  const where = sort === 'value' && !SAYS_WHERE.test(bare) && !isToolsOwn ? inPage(bare, subject) : inContext(full, subject);
  const whole = (question: string): string[] => (sayable ? [question] : []);
  switch (sort) {
    case 'class':
      return [
        `What is the \`${bare}\` class${where}?`,
        `What is \`${bare}\` for${where}?`,
        ...whole(`Can you explain the class \`${full}\`${where}?`),
      ];
    case 'exception':
      return /^(?:exception )?raised /i.test(meaning)
        ? [`When is \`${bare}\` raised${where}?`, `What does the exception \`${bare}\` mean${where}?`]
        : [`What is the \`${bare}\` exception${where}?`];
    case 'callable':
      return [
        `What does \`${name}\` do${where}?`,
        ...whole(`Can you explain \`${full}\`${where}?`),
        ...whole(`What does \`${full}\` do${where}?`),
      ];
    case 'value':
      return [`What is \`${name}\`${where}?`, `Can you explain \`${name}\`${where}?`];
  }
};
