import { charsetOf, decode } from '../../lib/charset';

const bytes = (...parts: (string | number[])[]): Uint8Array =>
  Buffer.concat(parts.map((part) => (typeof part === 'string' ? Buffer.from(part, 'latin1') : Buffer.from(part))));

describe('decode', () => {
  // Node 20.20 gives C1 control characters for these four when its decoder is not used as a stream.
  test.each([
    [0x80, '\u20AC'],
    [0x92, '\u2019'],
    [0x93, '\u201C'],
    [0x94, '\u201D'],
  ])('reads byte %i of windows-1252 as %s, under all its names', (byte, expected) => {
    for (const label of ['windows-1252', 'iso-8859-1', 'latin1', 'ISO-8859-1', 'us-ascii'])
      expect(decode(bytes([byte]), label)).toEqual({ text: expected, charset: 'windows-1252' });
  });

  test.each<[string, Uint8Array, string | null, string, string]>([
    ['a byte order mark beats the header', bytes([0xef, 0xbb, 0xbf], [0xc3, 0xa9]), 'windows-1252', 'é', 'utf-8'],
    ['UTF-16 with a mark', bytes([0xff, 0xfe, 0xe9, 0x00]), null, 'é', 'utf-16le'],
    ['UTF-16, big end first', bytes([0xfe, 0xff, 0x00, 0xe9]), null, 'é', 'utf-16be'],
    ['the header beats the page', bytes('<meta charset=utf-8>', [0xe9]), 'windows-1252', '<meta charset=utf-8>é', 'windows-1252'],
    ['the page is believed without a header', bytes('<meta charset="koi8-r">', [0xc1]), null, '<meta charset="koi8-r">а', 'koi8-r'],
    [
      'http-equiv counts',
      bytes('<meta http-equiv="Content-Type" content="text/html; charset=shift_jis">', [0x82, 0xa0]),
      null,
      '<meta http-equiv="Content-Type" content="text/html; charset=shift_jis">あ',
      'shift_jis',
    ],
    [
      'an XML declaration counts',
      bytes('<?xml version="1.0" encoding="iso-8859-2"?>', [0xb1]),
      null,
      '<?xml version="1.0" encoding="iso-8859-2"?>ą',
      'iso-8859-2',
    ],
    [
      'a declaration in a comment does not',
      bytes('<!-- <meta charset=koi8-r> -->', [0xe9]),
      null,
      '<!-- <meta charset=koi8-r> -->é',
      'windows-1252',
    ],
    ['a page cannot declare UTF-16 in ASCII', bytes('<meta charset=utf-16>', [0xc3, 0xa9]), null, '<meta charset=utf-16>é', 'utf-8'],
    ['an unknown header label is passed over', bytes([0xc3, 0xa9]), 'utf-7', 'é', 'utf-8'],
    ['undeclared valid UTF-8 is UTF-8', bytes([0xe2, 0x82, 0xac]), null, '€', 'utf-8'],
    ['undeclared invalid UTF-8 is windows-1252', bytes('caf', [0xe9]), null, 'café', 'windows-1252'],
    [
      'a declaration after the first kilobyte counts where the bytes are no UTF-8',
      bytes(' '.repeat(1024), '<meta charset=koi8-r>', [0xc1]),
      null,
      `${' '.repeat(1024)}<meta charset=koi8-r>а`,
      'koi8-r',
    ],
    [
      'and not where they are',
      bytes(' '.repeat(1024), '<meta charset=koi8-r>', [0xc3, 0xa9]),
      null,
      `${' '.repeat(1024)}<meta charset=koi8-r>é`,
      'utf-8',
    ],
    ['UTF-16 without a mark', Buffer.from('<p>é€</p>', 'utf16le'), 'utf-16', '<p>é€</p>', 'utf-16le'],
    ['UTF-16 without a mark, big end first', Buffer.from('<p>é€</p>', 'utf16le').swap16(), 'utf-16', '<p>é€</p>', 'utf-16be'],
    ['nothing is UTF-8', bytes(), null, '', 'utf-8'],
  ])('%s', (_, given, header, text, charset) => expect(decode(given, header)).toEqual({ text, charset }));

  test('looks for a declaration in linear time', () => {
    const since = performance.now();
    decode(bytes('<meta '.repeat(20_000), [0xe9]), null);
    expect(performance.now() - since).toBeLessThan(200);
  });

  test('marks bytes that mean nothing in the declared charset', () =>
    expect(decode(bytes('a', [0xff], 'b'), 'utf-8').text).toBe('a\uFFFDb'));
});

test.each([
  ['text/html; charset=UTF-8', 'UTF-8'],
  ['text/html;charset="windows-1252"', 'windows-1252'],
  ['text/html; a=b; Charset = koi8-r; c=d', 'koi8-r'],
  ['text/html', null],
  ['text/html; charset=""', null],
  [null, null],
])('charsetOf reads %s as %s', (header, expected) => expect(charsetOf(header)).toBe(expected));
