import type { HubFile } from '../../contracts/hub';
import {
  commitMark,
  commitText,
  compare,
  fileList,
  findMarked,
  gitBlobId,
  LIST_FILE,
  type LocalFile,
  madeBefore,
  modelPath,
  needBlobId,
} from '../../lib/publish';

const file = (path: string, over: Partial<LocalFile> = {}): LocalFile => ({
  path,
  bytes: 3,
  sha256: `256-${path}`,
  sha1: `1-${path}`,
  companion: false,
  ...over,
});
const regular = (path: string, over: Partial<HubFile> = {}): HubFile => ({ path, bytes: 3, sha1: `1-${path}`, sha256: null, ...over });
const large = (path: string, over: Partial<HubFile> = {}): HubFile => ({ path, bytes: 3, sha1: null, sha256: `256-${path}`, ...over });
const nothing = { add: [], remove: [] };

describe('compare', () => {
  test.each<[string, LocalFile[], HubFile[], string[], { add: string[]; remove: string[] }]>([
    ['adds what is absent', [file('b'), file('a')], [], [], { add: ['a', 'b'], remove: [] }],
    ['does nothing when all is there', [file('a'), file('b')], [regular('a'), large('b')], ['a', 'b'], nothing],
    ['replaces a regular file of another blob id', [file('a')], [regular('a', { sha1: 'other' })], [], { add: ['a'], remove: [] }],
    ['replaces a large file of another hash', [file('a')], [large('a', { sha256: 'other' })], [], { add: ['a'], remove: [] }],
    ['replaces a file of another size whatever the hashes say', [file('a')], [large('a', { bytes: 4 })], [], { add: ['a'], remove: [] }],
    [
      'takes an entry without a hash for another file',
      [file('a', { sha1: null })],
      [regular('a', { sha1: null })],
      [],
      { add: ['a'], remove: [] },
    ],
    ['takes a local file without a blob id for another one', [file('a', { sha1: null })], [regular('a')], [], { add: ['a'], remove: [] }],
    ['never deletes what we did not make', [file('a')], [regular('a'), regular('.gitattributes'), regular('notes.md')], ['a'], nothing],
    [
      'deletes what we made and do not make any more',
      [file('a')],
      [regular('a'), regular('old')],
      ['a', 'old'],
      { add: [], remove: ['old'] },
    ],
    ['does not delete what is gone already', [file('a')], [regular('a')], ['a', 'old'], nothing],
    [
      'leaves a differing companion alone',
      [file('a'), file('times', { companion: true })],
      [regular('a'), regular('times', { sha1: 'other' })],
      [],
      nothing,
    ],
    [
      'takes companions along',
      [file('a'), file('times', { companion: true })],
      [regular('times', { sha1: 'other' })],
      [],
      { add: ['a', 'times'], remove: [] },
    ],
  ])('%s', (_, local, remote, made, change) => {
    expect(compare(local, remote, made)).toEqual(change);
  });

  test('a blob id is needed only for regular files of the same size', () => {
    expect(needBlobId([file('a'), file('b'), file('c'), file('d')], [regular('a'), large('b'), regular('c', { bytes: 9 })])).toEqual(['a']);
  });

  test('the blob id is that of git', () => {
    expect(gitBlobId(Buffer.from('hello\n'))).toBe('ce013625030ba8dba906f756967f9e9ca394464a'); // git hash-object
    expect(gitBlobId(Buffer.alloc(0))).toBe('e69de29bb2d1d6434b8b29ae775ad8c2e48c5391');
  });
});

describe('the list of our files', () => {
  test('names every file again, itself included', () => {
    const list = fileList('model', { train: 'k' }, [file('b'), file('a')]);
    expect(madeBefore(list)).toEqual(['a', 'b', LIST_FILE]);
  });

  test('does not change with a companion', () => {
    const one = fileList('dataset', {}, [file('a'), file('times', { companion: true, bytes: 1, sha256: 'x' })]);
    expect(one).toBe(fileList('dataset', {}, [file('times', { companion: true, bytes: 2, sha256: 'y' }), file('a')]));
    expect(one).toContain('times');
  });

  test('never names git settings, even when somebody wrote them in', () => {
    expect(madeBefore('{"schema":1,"files":[{"path":".gitattributes"},{"path":"a"}]}')).toEqual(['a', LIST_FILE]);
  });

  test.each([[null], ['not JSON'], ['[]'], ['{"schema":2,"files":[{"path":"README.md"}]}'], ['{"files":"x"}']])(
    '%j gives nothing that may be deleted',
    (list) => {
      expect(madeBefore(list)).toEqual([]);
    },
  );
});

describe('the commit', () => {
  test('is found by its mark, and by no other', () => {
    const mark = commitMark('execution', 'a/b', 'digest');
    const { title, description } = commitText('model', mark, 'digest', { train: 'key' }, { add: ['a'], remove: [] });
    const commits = [{ title: 'Update README.md' }, { title }];
    expect(findMarked(commits, mark)).toBe(commits[1]);
    expect(findMarked(commits, commitMark('another execution', 'a/b', 'digest'))).toBeUndefined();
    expect(findMarked(commits, commitMark('execution', 'a/c', 'digest'))).toBeUndefined();
    expect(description).toContain('prepared: digest');
    expect(description).toContain('train: key');
  });
});

test.each([
  ['merged/model.safetensors', true, 'model.safetensors'],
  ['adapter/adapter_config.json', true, 'adapter/adapter_config.json'],
  ['adapter/adapter_config.json', false, 'adapter_config.json'],
  ['proof.json', true, null],
])('%s (merged made: %s) becomes %s', (output, hasMerged, path) => {
  expect(modelPath(output, hasMerged)).toBe(path);
});
