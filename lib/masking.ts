// Secrets and e-mail addresses out of text: known shapes of keys and tokens, random values given to names that say
// "secret", passwords in addresses. What documentation writes as an example stays.
// Shapes after the public lists of gitleaks (config/gitleaks.toml), detect-secrets and GitHub's secret scanning.
// Every pattern is bounded, so that no text takes more than linear time.
import { RECORD_SCHEMA, type Block, type Document } from '../contracts/records';
import { digest } from './hash';

export type MaskReason = 'private_key' | 'token' | 'assigned_secret' | 'url_password' | 'email';
export type MaskCounts = Partial<Record<MaskReason, number>>;

const MASK = 'REDACTED';

/** Prefixes that issuers give their tokens so that they can be found. */
const TOKENS = new RegExp(
  [
    '(?:AKIA|ASIA|ABIA|ACCA)[A-Z2-7]{16}', // AWS access key id
    'gh[pousr]_[A-Za-z0-9]{36,255}|github_pat_[A-Za-z0-9_]{50,255}', // GitHub
    'gl(?:pat|ptt|dt|rt|cbt|oas|ft|imt|soat)-[\\w-]{20,64}', // GitLab
    'xox[abeoprs]-[A-Za-z0-9-]{10,255}|xapp-\\d-[A-Za-z0-9-]{20,255}', // Slack
    'AIza[\\w-]{35}|ya29\\.[\\w-]{20,255}|GOCSPX-[\\w-]{28}', // Google
    '(?:sk|rk)_(?:live|test)_[A-Za-z0-9]{16,255}|whsec_[A-Za-z0-9+/=]{24,64}', // Stripe
    'sk-(?:(?:ant|proj|svcacct|admin|or-v1|lf)-[A-Za-z0-9_-]{20,255}|[A-Za-z0-9]{20,255})', // OpenAI, Anthropic, OpenRouter, Langfuse
    'hf_[A-Za-z0-9]{30,40}|npm_[A-Za-z0-9]{36}|pypi-[\\w-]{50,255}|rubygems_[0-9a-f]{48}|dckr_pat_[\\w-]{27}', // hubs and registries
    'SG\\.[\\w-]{16,32}\\.[\\w-]{16,64}|key-[0-9a-f]{32}|(?:AC|SK)[0-9a-f]{32}', // SendGrid, Mailgun, Twilio
    'do[opr]_v1_[0-9a-f]{64}|dapi[0-9a-f]{32}|shp(?:at|ca|pa|ss)_[0-9a-fA-F]{32}|sq0(?:atp|csp)-[\\w-]{22,43}',
    'hv[sb]\\.[\\w-]{24,255}|\\d{8,10}:AA[\\w-]{33}|lin_api_[A-Za-z0-9]{40}|pscale_tkn_[\\w.-]{32,64}',
    'eyJ[\\w-]{10,2000}\\.eyJ[\\w-]{10,4000}\\.[\\w-]{10,2000}', // JSON Web Token, RFC 7519
  ]
    .map((shape) => `(?<![\\w-])(?:${shape})(?![\\w-])`)
    .join('|'),
  'g',
);
const SLACK_HOOK = /(hooks\.slack\.com\/services\/)[A-Z0-9]{6,12}\/[A-Z0-9]{6,14}\/[A-Za-z0-9]{16,32}/g;
const ASSIGNED =
  /((?:api_?-?key|access_?-?key|secret|token|passw(?:or)?d|passphrase|credential|private_?-?key|client_?-?secret|auth)[\w-]{0,24}["'`]{0,2}[ \t]{0,4}(?:=>|:=|=|:)[ \t]{0,4}["'`]?(?:(?:bearer|basic)[ \t]{1,2})?)([A-Za-z0-9+/_=.~-]{16,300})/gi;
const URL_PASSWORD = /([a-z][a-z0-9+.-]{1,15}:\/\/[^\s:/@"'`<>]{1,100}:)([^\s:/@"'`<>]{1,200})(@)([\w.-]{1,253})/gi;
const EMAIL =
  /(?<![\w.+%/-])([A-Za-z0-9][\w.+%-]{0,63})@((?:[A-Za-z0-9-]{1,63}\.){1,8}[A-Za-z]{2,24})(?![\w-]|\.[A-Za-z0-9])(?!:[\w~/]|\()/g;

/** RFC 2606 and RFC 6761: names that belong to nobody, and what documentation writes for "some domain". */
const RESERVED_HOST =
  /(?:^|\.)(?:example(?:\.(?:com|org|net|edu))?|test|invalid|localhost|local|tld|dom|xx|domain(?:name)?)$|(?:^|\.)(?:example\d*|(?:your|my|some)[-.]?(?:domain|host|company|organi[sz]ation))\.[\w.-]+$/i;
/** Units and files that are written with an @ and a dot: `getty@tty1.service`, `icon@2x.png`, `left-pad@1.0.0.tgz`. */
const NO_HOST =
  /\.(?:service|socket|timer|target|mount|slice|sock|js|mjs|cjs|ts|json|py|rb|rs|html|css|md|txt|xml|ya?ml|png|jpe?g|gif|svg|webp|avif|ico|tgz|gz|bz2|xz|zip|tar|whl|gem|jar|deb|rpm)$/i;
/** What stands before the @ of a label in Kotlin. */
const NO_USER = /^(?:\d+|this|super|return)$/;
const PLACEHOLDER =
  /example|sample|your|dummy|placeholder|change_?me|redacted|x{4}|\*{3}|\.{3}|0{6}|1234567|abcdefg|deadbeef|foobar|^(?:pass(?:word)?|pwd|pw|secret|token|key|hunter2|xyz|pass\w?\d*|[a-z]{1,4})$|[${<[]/i;

/** Shannon entropy in bits a character. */
export const entropy = (text: string): number => {
  const counts = new Map<string, number>();
  for (const unit of text) counts.set(unit, (counts.get(unit) ?? 0) + 1);
  let bits = 0;
  for (const count of counts.values()) bits -= (count / text.length) * Math.log2(count / text.length);
  return bits;
};

/** A part between the marks that join words: letters and digits mixed, and no word with a number at its end. */
const isMixed = (part: string): boolean =>
  part.length >= 8 && /\d/.test(part) && /[A-Za-z]/.test(part) && !/^[A-Za-z]+\d{1,4}$|^\d{1,4}[A-Za-z]+$/.test(part);

/** Looks drawn by lot: letters and digits mixed and hardly repeated, which no word, name of several words, version or path is. */
const isRandom = (value: string): boolean =>
  /\d/.test(value) &&
  /[A-Za-z]/.test(value) &&
  !PLACEHOLDER.test(value) &&
  !/^\d{4}-\d\d-\d\d|^v?\d+\.\d+|^\.{0,2}\//.test(value) &&
  (/^[0-9a-f-]+$/i.test(value) ? entropy(value) >= 3 : entropy(value) >= 3.5 && value.split(/[^A-Za-z0-9]+/).some(isMixed));

const BEGIN_KEY = /-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----/g;

const maskPrivateKeys = (text: string, found: (reason: MaskReason) => void): string => {
  if (!text.includes('PRIVATE KEY')) return text;
  let out = '';
  let at = 0;
  for (const begin of text.matchAll(BEGIN_KEY)) {
    const start = begin.index + begin[0].length;
    if (begin.index < at) continue;
    const end = text.indexOf('-----END ', start);
    const body = text.slice(start, end < 0 ? text.length : end);
    // Shorter than any real key: "...", or a line that stands for the rest.
    if (body.replace(/[^A-Za-z0-9+/=]/g, '').length < 64) continue;
    const line = body.startsWith('\\n') ? '\\n' : '\n';
    out += `${text.slice(at, start)}${line}${MASK}${line}`;
    at = end < 0 ? text.length : end;
    found('private_key');
  }
  return out + text.slice(at);
};

/** Masks the texts of one page: the same address gets the same stand-in everywhere on it. */
export class Masker {
  readonly counts: MaskCounts = {};
  private readonly addresses = new Map<string, string>();

  private readonly found = (reason: MaskReason): void => {
    this.counts[reason] = (this.counts[reason] ?? 0) + 1;
  };

  private address(email: string): string {
    const known = this.addresses.get(email.toLowerCase());
    if (known !== undefined) return known;
    const stand = `user${this.addresses.size === 0 ? '' : this.addresses.size + 1}@example.com`;
    this.addresses.set(email.toLowerCase(), stand);
    return stand;
  }

  /** The text with every secret and e-mail address replaced; the text itself when there is none. */
  readonly mask = (text: string): string => {
    if (text.length < 6) return text;
    let masked = maskPrivateKeys(text, this.found)
      .replace(TOKENS, (token) => {
        // What a person typed to stand for a token repeats itself or says so.
        if (PLACEHOLDER.test(token.slice(4)) || entropy(token) < 3 || !/\d/.test(token)) return token;
        this.found('token');
        return MASK;
      })
      .replace(SLACK_HOOK, (_, host: string) => {
        this.found('token');
        return host + MASK;
      })
      .replace(ASSIGNED, (all, name: string, value: string) => {
        if (!isRandom(value)) return all;
        this.found('assigned_secret');
        return name + MASK;
      });
    if (!masked.includes('@')) return masked;
    masked = masked.replace(URL_PASSWORD, (all, before: string, password: string, at: string, host: string) => {
      if (RESERVED_HOST.test(host) || PLACEHOLDER.test(password) || password === MASK) return all;
      this.found('url_password');
      return before + MASK + at + host;
    });
    return masked.replace(EMAIL, (all, user: string, host: string, offset: number) => {
      if (RESERVED_HOST.test(host) || NO_HOST.test(host) || NO_USER.test(user)) return all;
      // user:password@host is an address of another kind, seen to above.
      if (/:\/\/[^\s/@:]{1,100}:$/.test(masked.slice(Math.max(0, offset - 110), offset))) return all;
      this.found('email');
      return this.address(all);
    });
  };

  block(block: Block): Block {
    const { mask } = this;
    switch (block.type) {
      case 'heading':
      case 'prose':
      case 'code':
        return { ...block, text: mask(block.text) };
      case 'list':
        return { ...block, items: block.items.map(mask) };
      case 'table':
        return { ...block, header: block.header.map(mask), rows: block.rows.map((cells) => cells.map(mask)) };
      case 'definition':
        return {
          ...block,
          term: mask(block.term),
          text: mask(block.text),
          code: block.code.map((code) => ({ ...code, text: mask(code.text) })),
        };
    }
  }
}

/** A document without secrets and e-mail addresses, and how many of each were masked; unchanged where there are none. */
export const maskDocument = (document: Document): { document: Document; counts: MaskCounts } => {
  const masker = new Masker();
  const content = {
    title: masker.mask(document.title),
    language: document.language,
    blocks: document.blocks.map((block) => masker.block(block)),
  };
  if (Object.keys(masker.counts).length === 0) return { document, counts: {} };
  const { id, url } = document;
  return { document: { schema: RECORD_SCHEMA, id, url, sha256: digest(content), ...content }, counts: masker.counts };
};
