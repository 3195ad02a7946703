import { VERBS } from '../../contracts/artifacts';
import { PipelineInput } from '../../contracts/input';
import { inputPaths } from '../../contracts/input-paths';
import { STAGES } from '../../contracts/stages';
import { stageKey } from '../../lib/hash';
import { keyedConfig } from '../../lib/keys';

const input = PipelineInput.parse({});
const owners = (path: string): string[] =>
  VERBS.filter((verb) => STAGES[verb].config.some((prefix) => path === prefix || path.startsWith(`${prefix}.`)));

test.each(inputPaths().filter(({ keyed }) => keyed))('the input field $path belongs to exactly one stage', ({ path }) => {
  expect(owners(path)).toHaveLength(1);
});

test('every field that a stage names is a field of the input', () => {
  const paths = inputPaths().map(({ path }) => path);
  for (const verb of VERBS)
    for (const prefix of STAGES[verb].config) expect(paths.some((path) => path === prefix || path.startsWith(`${prefix}.`))).toBe(true);
});

test('every field has a default, so that leaving defaults out of a key is possible', () => {
  for (const { path, schema } of inputPaths()) expect([path, schema.safeParse(undefined).success]).toEqual([path, true]);
});

test('defaults leave the config of every stage empty', () => {
  for (const verb of VERBS) expect(keyedConfig(verb, input)).toEqual({});
});

test('a changed field reaches the key of its own stage only, by its path, whether the whole input or a part is given', () => {
  const changed = PipelineInput.parse({
    train: { lora: { r: 16 }, lr: 1e-3 },
    model: { dtype: 'fp32', base: 'other' },
    pair: { kinds: ['code'] },
  });
  const config = { 'train.lora.r': 16, 'train.lr': 0.001, 'model.dtype': 'fp32' };
  expect(keyedConfig('train', changed)).toEqual(config);
  expect(keyedConfig('train', { train: changed.train, model: changed.model })).toEqual(config);
  expect(keyedConfig('pair', changed)).toEqual({ 'pair.kinds': ['code'] });
  for (const verb of VERBS.filter((one) => one !== 'train' && one !== 'pair')) expect(keyedConfig(verb, changed)).toEqual({});
});

test('fields that cannot change a result, and null where null is the default, stay out', () => {
  const changed = PipelineInput.parse({
    name: 'x',
    limits: { heartbeatSeconds: 99 },
    train: { queue: 'gpu-a-0', saveEvery: 3, microTokens: null },
    source: { perHost: 1 },
    publish: { approval: 'person' },
  });
  for (const verb of VERBS) expect(keyedConfig(verb, changed)).toEqual({});
  expect(keyedConfig('train', PipelineInput.parse({ train: { steps: null } }))).toEqual({ 'train.steps': null });
});

test('the same input gives the same key on any machine: one is written down', () => {
  const config = keyedConfig('train', PipelineInput.parse({ train: { lr: 0.00015, steps: 40 } }));
  const key = stageKey({ verb: 'train', version: 1, config, inputs: { format: 'a'.repeat(64), base: 'b'.repeat(64) } });
  expect(key).toBe('f9237d4ddac5870e02466f0bce5b9cb1c4cf69b79bdf549fd0d229228c0e99ac');
});
