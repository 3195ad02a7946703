import { clean } from '../../lib/clean';
import { sha256 } from '../../lib/hash';
import { entropy, Masker, maskDocument } from '../../lib/masking';

const masked = (text: string): string => new Masker().mask(text);
/** Put together here, so that no scanner takes this file for a leak. */
const at = (prefix: string, length: number): string =>
  prefix + 'q7Zk2mX9vB4nT8wR1pL6sJ3hG5dF0cYaEuIoNbVxKtMzWrPqSjHgDfLk'.repeat(3).slice(0, length);
const KEY = ['-----BEGIN RSA PRIVATE KEY-----', at('', 64), at('x', 63), '-----END RSA PRIVATE KEY-----'].join('\n');

describe('what is secret is masked', () => {
  test.each([
    ['an AWS key id', `AKIA${'QZ7PLM4XNB2VTR6K'}`],
    ['a GitHub token', at('ghp_', 36)],
    ['a GitLab token', at('glpat-', 20)],
    ['a Slack token', at('xoxb-', 40)],
    ['a Google key', at('AIza', 35)],
    ['a Stripe key', at('sk_live_', 24)],
    ['an OpenAI key', at('sk-proj-', 48)],
    ['an older OpenAI key', at('sk-', 48)],
    ['an Anthropic key', at('sk-ant-api03-', 80)],
    ['a Hub token', at('hf_', 34)],
    ['an npm token', at('npm_', 36)],
    ['a JSON Web Token', `${at('eyJ', 30)}.${at('eyJ', 60)}.${at('', 43)}`],
  ])('%s, in prose and in code', (_, token) => {
    expect(masked(`The key is ${token}, and so on.`)).toBe('The key is REDACTED, and so on.');
    expect(masked(`client = Client("${token}")`)).toBe('client = Client("REDACTED")');
  });

  test('the body of a private key, its frame stays', () => {
    expect(masked(`Put this into key.pem:\n${KEY}\nThen start.`)).toBe(
      'Put this into key.pem:\n-----BEGIN RSA PRIVATE KEY-----\nREDACTED\n-----END RSA PRIVATE KEY-----\nThen start.',
    );
    expect(masked(KEY.split('\n').slice(0, 3).join('\n'))).not.toContain(at('', 64));
  });

  test.each([
    [`api_key = "${at('', 32)}"`, 'api_key = "REDACTED"'],
    [`AWS_SECRET_ACCESS_KEY=${at('', 40)}`, 'AWS_SECRET_ACCESS_KEY=REDACTED'],
    [`"password": "${at('', 20)}"`, '"password": "REDACTED"'],
    ['client_secret: 9f86d081884c7d659a2feaa0c55ad015', 'client_secret: REDACTED'],
    [`Authorization: Bearer ${at('', 40)}`, 'Authorization: Bearer REDACTED'],
    ['postgres://app:kX9vB4nT8@db.internal.net/app', 'postgres://app:REDACTED@db.internal.net/app'],
    [`https://${'hooks.slack.com'}/services/T0AB12CD3/B0EF45GH6/${at('', 24)}`, 'https://hooks.slack.com/services/REDACTED'],
  ])('a value given to a name that says so: %s', (text, expected) => {
    expect(masked(text)).toBe(expected);
  });

  test('e-mail addresses, the same one always by the same stand-in', () => {
    const masker = new Masker();
    expect(masker.mask('Ask jane.doe@corp.io or bob+lists@mail.corp.io, then jane.doe@corp.io again.')).toBe(
      'Ask user@example.com or user2@example.com, then user@example.com again.',
    );
    expect(masker.counts).toEqual({ email: 3 });
  });
});

describe('what documentation writes as an example stays', () => {
  test.each([
    'AKIAIOSFODNN7EXAMPLE',
    'aws_secret_access_key = wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY',
    'user@example.com, root@host.test and me@localhost.localdomain.invalid',
    'ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx',
    'export OPENAI_API_KEY="your-api-key-goes-here"',
    'password = "correct horse battery staple"',
    'token: ${{ secrets.GITHUB_TOKEN }}',
    'git clone git@github.com:org/repo.git',
    'npm install lodash@4.17.21 @scope/pkg@next react@latest.js',
    'systemctl start getty@tty1.service',
    'https://user:pass@sub.example.com:8080/p/a/t/h',
    'https://user:password@proxy.corp.io',
    'secret_key_base: config.secrets.key_base_of_the_app',
    'auth: packages/authentication/index.ts',
    'a sha512 integrity such as sha512-abc and the commit 9f86d081884c7d659a2feaa0c55ad015',
    '-----BEGIN PRIVATE KEY-----\n...\n-----END PRIVATE KEY-----',
    'git clone git@git.acme.dev:2222/x.git',
    '![logo](icon@2x.png), sprite@3x.webp and left-pad@1.0.0.tgz',
    'A@B.transpose() and this@Outer.context.run(), this@Outer.context',
    '$local@other.tld, webgirl@example1.dom, you@yourdomain.com and dev@your.company.here',
    'bind unix@ssl-frontend.sock',
    'class="sk-estimator-doc-link-fitted-v1-0-0 sk-toggleable__content1-fitted-2"',
    'secretName=projects/p1/secrets/s2/versions/3',
    'authn_method=client_secret_basic1x',
    'NextToken: page2-of-results-here',
    'auth = HMAC_SHA256_with_salt_v2',
    'credential: Xorg1.20-cred-type',
  ])('%s', (text) => {
    expect(masked(text)).toBe(text);
  });
});

test('an address before a full stop, a bracket or a word in brackets is still one', () => {
  expect(masked('Write to jane@corp.io. Or (jane@corp.io), <jane@corp.io> or jane@corp.io (the owner).')).not.toContain('corp');
});

test('text made to be slow to search is searched', () => {
  for (const unit of ['a', '@', 'a@', 'a.', 'eyJ', 'eyJa.', 'secret=', '://a:', '-----BEGIN PRIVATE KEY-----', 'ghp_', 'sk-'])
    expect(masked(unit.repeat(200_000)).length).toBeGreaterThan(0);
});

test('a document without secrets is returned as it is, one with them is another document', () => {
  const page = {
    schema: 1 as const,
    id: sha256('p'),
    url: 'http://s.test/',
    bodySha256: sha256(''),
    bodyBytes: 0,
    format: 'html' as const,
    charset: null,
  };
  const of = (html: string) => {
    const result = clean(page, Buffer.from(html), { minWords: 1 });
    if (!result.keep) throw new Error(result.reason);
    return result.document;
  };
  const plain = of('<h1>Guide</h1><p>Nothing to hide here.</p>');
  expect(maskDocument(plain).document).toBe(plain);
  const open = of(
    `<h1>Guide</h1><p>Ask jane@corp.io.</p><ul><li>jane@corp.io</li></ul><pre>KEY=${at('ghp_', 36)}</pre><dl><dt>bob@corp.io</dt><dd>is bob@corp.io</dd></dl><table><tr><th>who</th></tr><tr><td>eve@corp.io</td></tr></table>`,
  );
  const { document, counts } = maskDocument(open);
  expect(JSON.stringify(document)).not.toMatch(/corp\.io|ghp_/);
  expect(counts).toEqual({ email: 5, token: 1 });
  expect(document.sha256).not.toBe(open.sha256);
});

test('entropy is that of Shannon, in bits', () => {
  expect(entropy('aaaa')).toBe(0);
  expect(entropy('abcd')).toBe(2);
});
