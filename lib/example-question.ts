// Headings that announce examples as the request for them.
import { headNoun, isMass } from './article';
import { plain } from './blocks';
import { infinitive, isPlural } from './grammar';
import { ending } from './question';
import type { Subject } from './subject';

const withA = (np: string): string =>
  /^(?:an?|the|some|more) /i.test(np) ? np : `${/^[aeio]|^u(?!s|ni)|^[AEFHILMNORSX](?=\p{Lu})/u.test(np) ? 'an' : 'a'} ${np}`;

/** Questions about the examples that a phrase announces; one of a word is of what the page or the entry around it is about. */
export const examples = (given: string, subject: Subject, owner: string): string[] => {
  const said = given.replace(/^(?:Advanced|Basic|Complete|Complex|Full|Minimal|Simple) /, (word) => word.toLowerCase());
  if (/^example:/i.test(said)) return [ending(`Can you show me the example "${said.replace(/^example:\s*/i, '')}"`, subject)];
  const kind = /^(?:(?:an?|the|some) )?(\S+) (examples?|example \p{L}+s)$/iu.exec(said);
  if (kind !== null && infinitive(kind[1]!) === null) {
    const what = kind[1]!.toLowerCase() === 'some' ? kind[2]! : `${kind[1]} ${kind[2]}`;
    if (/^example /i.test(what)) return [ending(`Can you show me some ${what}`, subject)];
    return [ending(`Can you show me ${/s$/.test(what) ? `some ${what}` : withA(what)} of ${owner}`, subject)];
  }
  const of = /^examples? (?:\d+ ?)?(?:of )?(.+)$/i.exec(said.replace(/^an /, ''))?.[1];
  if (of !== undefined && /^\p{L}+s$/u.test(of))
    return [ending(`Can you show me example ${of}${plain(owner).toLowerCase().includes(of) ? '' : ` of ${owner}`}`, subject)];
  if (of !== undefined && /^\p{L}/u.test(of)) {
    const many = /^examples /i.test(said);
    const join = /^examples? of /i.test(said.replace(/^an /, '')) ? ' of' : '';
    return [
      ending(
        `Can you show me ${many ? 'examples' : (isPlural(headNoun(of)) || (isMass(headNoun(of), subject.lexicon) && !/^(?:with|for|in|to|on)\b/.test(of))) && join === '' ? 'example' : 'an example'}${join} ${of}`,
        subject,
      ),
    ];
  }
  if (/ examples$/i.test(said)) return [ending(`Can you show me some ${said}`, subject)];
  if (/ example$/i.test(said)) return [ending(`Can you show me ${withA(said.replace(/^the /i, ''))}`, subject)];
  return [];
};
