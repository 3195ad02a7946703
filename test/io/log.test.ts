import { createLog } from '../../io/log';
import { Secret } from '../../io/secret';
import { systemClock } from '../../io/clock';

const capture = (): { lines: string[]; stream: { write(line: string): void } } => {
  const lines: string[] = [];
  return { lines, stream: { write: (line) => void lines.push(line) } };
};

test('a line holds the message and fields, and no secret in any spelling', () => {
  const { lines, stream } = capture();
  const token = new Secret('s3cr"t/+value');
  const log = createLog({ name: 'cpu', secrets: [token, null], pretty: false, stream });
  log.info(
    { url: `http://x/?k=${encodeURIComponent(token.reveal())}`, token: 'other', headers: { authorization: 'Bearer z' }, secret: token },
    `got ${token.reveal()}`,
  );
  log.debug('not shown');
  expect(lines).toHaveLength(1);
  const record = JSON.parse(lines[0]!) as Record<string, unknown>;
  expect(record).toMatchObject({
    name: 'cpu',
    msg: 'got [secret]',
    url: 'http://x/?k=[secret]',
    token: '[secret]',
    headers: { authorization: '[secret]' },
    secret: '[secret]',
  });
});

test('on a terminal a line is readable', () => {
  const { lines, stream } = capture();
  createLog({ name: 'gpu', pretty: true, stream }).warn({ step: 3, note: 'a b' }, 'slow');
  expect(lines[0]).toMatch(/^\d\d:\d\d:\d\d warn {2}gpu: slow step=3 note=a b\n$/);
});

test('a sleep ends with the reason of the abort, at once when it is aborted before', async () => {
  const controller = new AbortController();
  const asleep = systemClock.sleep(60_000, controller.signal);
  controller.abort(new Error('stop'));
  await expect(asleep).rejects.toThrow('stop');
  await expect(systemClock.sleep(60_000, controller.signal)).rejects.toThrow('stop');
  await expect(systemClock.sleep(1)).resolves.toBeUndefined();
});
