// up.json of processes that are gone, in all the ways they go.
import { mkdtempSync, rmSync, writeFileSync, readFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AlreadyUp, claimUp, readUp, type UpFile } from '../../io/up-file';

let home: string;
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'retune-up-'));
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

const own = async (): Promise<UpFile> => {
  const claim = await claimUp(home, 'store', '2026-01-01T00:00:00Z');
  const up = JSON.parse(readFileSync(join(home, 'up.json'), 'utf8')) as UpFile;
  await claim.release();
  return up;
};
const leave = (up: UpFile | string): void => writeFileSync(join(home, 'up.json'), typeof up === 'string' ? up : JSON.stringify(up));

test('a file from before the machine was restarted is taken over, although another process has its pid', async () => {
  const up = await own();
  leave({ ...up, pid: process.ppid, place: `another-boot ${up.place.split(' ')[1] ?? ''}` });
  expect(await readUp(home)).toBeNull();
  await (await claimUp(home, 'store', '2026-01-01T00:00:00Z')).release();
});

test('a process that has the pid of a dead supervisor is not taken for it', async () => {
  leave({ ...(await own()), started: '1' });
  expect(await readUp(home)).toBeNull();
});

test('a supervisor on another machine is not taken over', async () => {
  leave({ ...(await own()), host: 'elsewhere', place: 'elsewhere', pid: 1 });
  await expect(claimUp(home, 'store', '2026-01-01T00:00:00Z')).rejects.toBeInstanceOf(AlreadyUp);
});

test('a damaged file is taken over', async () => {
  leave('{"pid":');
  expect(await readUp(home)).toBeNull();
  const claim = await claimUp(home, 'store', '2026-01-01T00:00:00Z');
  await claim.announce({ address: '127.0.0.1:1', namespace: 'default', uiUrl: null });
  expect(await readUp(home)).toMatchObject({ address: '127.0.0.1:1', pid: process.pid });
  await claim.release();
  expect(await readUp(home)).toBeNull();
});
