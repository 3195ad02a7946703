// Signatures of a reference: their full name, what sort of thing they name, and how one asks for it.
import { inContext } from './question';
import type { Subject } from './subject';

export interface Signature {
  /** With arguments and full name: "socket.socket.bind(address)". */
  full: string;
  /** As it is said: "socket.socket.bind()". */
  name: string;
  sort: 'callable' | 'class' | 'exception' | 'value';
}

const MARKS =
  /^(?:(?:abstractmethod|abstract|static method:?|static|async|coroutine|classmethod|staticmethod|class method:?|method:?|function:?|final|awaitable|property:?|constant:?|macro:?|interface:?|enum:?|struct:?|type|new)\s+)+/i;

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
    .replace(/\s*(?:→|->)\s.*$/, '')
    .trim();
  const open = bare.indexOf('(');
  const head = open < 0 ? bare : bare.slice(0, open).trim();
  // C writes the type of what is returned before the name.
  const said = /([\w$.:~@#-]+)$/.exec(head)?.[1] ?? head;
  const qualified =
    anchor !== null && /^[A-Za-z_]\w+(?:\.\w+)+$/.test(anchor) && (anchor.endsWith(`.${said}`) || anchor === said) && said === head
      ? anchor
      : null;
  const name = qualified ?? said;
  const full = qualified === null ? bare : qualified + bare.slice(head.length);
  return { full, name: open < 0 ? name : `${name}()`, sort: sort ?? (open < 0 ? 'value' : 'callable') };
};

/** Wordings for a signature; those without the whole of it are answered with it. */
export const signatureQuestions = ({ full, name, sort }: Signature, meaning: string, subject: Subject): string[] => {
  const where = inContext(full, subject);
  const bare = name.replace(/\(\)$/, '');
  switch (sort) {
    case 'class':
      return [
        `What is the \`${bare}\` class${where}?`,
        `What is \`${bare}\` for${where}?`,
        `Can you explain the class \`${full}\`${where}?`,
      ];
    case 'exception':
      return /^(?:exception )?raised /i.test(meaning)
        ? [`When is \`${bare}\` raised${where}?`, `What does the exception \`${bare}\` mean${where}?`]
        : [`What is the \`${bare}\` exception${where}?`];
    case 'callable':
      return [`What does \`${name}\` do${where}?`, `Can you explain \`${full}\`${where}?`, `What does \`${full}\` do${where}?`];
    case 'value':
      return [`What is \`${full}\`${where}?`, `Can you explain \`${full}\`${where}?`];
  }
};
