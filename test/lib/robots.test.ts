import { ROBOTS_MAX_BYTES, parseRobots, readRobotsStatus, robotsUrl } from '../../lib/robots';

const read = (text: string, userAgent = 'retune/0.1') => parseRobots('https://example.com/robots.txt', text, userAgent);

test('robots.txt of a page stands at the root of its origin', () =>
  expect(robotsUrl('https://example.com:8443/a/b?c=d')).toBe('https://example.com:8443/robots.txt'));

test('the group of our own name goes before the group of all', () => {
  const robots = read('User-agent: *\nDisallow: /\n\nUser-agent: ReTune\nDisallow: /private\nCrawl-delay: 1.5\n');
  expect(robots.allowed('https://example.com/a')).toBe(true);
  expect(robots.allowed('https://example.com/private/a')).toBe(false);
  expect(robots.crawlDelayMs).toBe(1500);
  expect(read('User-agent: *\nDisallow: /\n').allowed('https://example.com/a')).toBe(false);
});

test('the longest rule wins and * and $ are understood', () => {
  const robots = read('User-agent: *\nDisallow: /docs/\nAllow: /docs/public/\nDisallow: /*.pdf$\n');
  expect(robots.allowed('https://example.com/docs/a')).toBe(false);
  expect(robots.allowed('https://example.com/docs/public/a')).toBe(true);
  expect(robots.allowed('https://example.com/a.pdf')).toBe(false);
  expect(robots.allowed('https://example.com/a.pdf?x')).toBe(true);
});

test('an empty file, a broken file and a byte order mark are no rules and no harm', () => {
  for (const text of ['', '<html>not found</html>', '\u0000\u0000', 'Disallow: /before-any-agent'])
    expect(read(text).allowed('https://example.com/before-any-agent')).toBe(true);
  expect(read('\uFEFFUser-agent: *\nDisallow: /a').allowed('https://example.com/a')).toBe(false);
  expect(read('User-agent: *\nCrawl-delay: soon').crawlDelayMs).toBeNull();
});

test('a rule that the size limit cuts is not read: its half would close the whole host', () => {
  const whole = `User-agent: *\nDisallow: /a\n#${'x'.repeat(ROBOTS_MAX_BYTES)}`.slice(0, ROBOTS_MAX_BYTES - 12);
  const robots = read(`${whole}\nDisallow: /`);
  expect([robots.allowed('https://example.com/b'), robots.allowed('https://example.com/a')]).toEqual([true, false]);
});

test('sitemaps are named from the root, too', () =>
  expect(read('Sitemap: /maps/a.xml\nSitemap: https://cdn.example/b.xml\nSitemap: //c').sitemaps).toEqual([
    'https://example.com/maps/a.xml',
    'https://cdn.example/b.xml',
    '//c',
  ]));

test('rules have no say over another origin', () => expect(() => read('').allowed('https://other.example/')).toThrow(RangeError));

test.each([
  [200, 'rules'],
  [404, 'allow'],
  [401, 'allow'],
  [403, 'allow'],
  [429, 'unavailable'],
  [500, 'unavailable'],
  [503, 'unavailable'],
  [304, 'unavailable'],
])('status %i of robots.txt is read as %s', (status, expected) => expect(readRobotsStatus(status)).toBe(expected));
