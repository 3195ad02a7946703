// What doctor says of a Bright Data account, against the stand-in: one free request, nothing made, nothing billed.
import { checkBrightData } from '../../cli/doctor-brightdata';
import { Secret } from '../../io/secret';
import { BrightDataStandIn, TOKEN, ZONE } from '../support/brightdata';

let api: BrightDataStandIn;
beforeEach(async () => {
  api = await BrightDataStandIn.open();
});
afterEach(async () => api.close());

const checks = async (zone: string | null = ZONE, token: string | null = TOKEN): Promise<Record<string, [string, string]>> => {
  const found = await checkBrightData({ brightData: { url: api.url, token: token === null ? null : new Secret(token), zone } });
  expect(JSON.stringify(found)).not.toContain(TOKEN);
  return Object.fromEntries(found.map(({ name, state, text, fix }) => [name, [state, `${text} ${fix ?? ''}`]]));
};

test('a good token and zone are one look at the list of zones, and no paid call', async () => {
  const found = await checks();
  expect([found['BRIGHTDATA_API_TOKEN']?.[0], found['BRIGHTDATA_ZONE']?.[0]]).toEqual(['ok', 'ok']);
  expect(api.calls.map(({ endpoint }) => endpoint)).toEqual(['zones']);
  expect(api.bill).toEqual([0, 0]);
});

test('without a token nothing is asked', async () => {
  expect(await checks(null, null)).toEqual({});
  expect(api.calls).toEqual([]);
});

test('a token that is not accepted names its variable', async () => {
  const found = await checks(ZONE, 'brd-another-token');
  expect(found).toEqual({ BRIGHTDATA_API_TOKEN: ['missing', expect.stringContaining('correct BRIGHTDATA_API_TOKEN')] });
});

test.each([
  ['unset', null, 'warning'],
  ['unknown', 'nobody', 'missing'],
  ['of another type', 'residential', 'missing'],
])('a zone that is %s names the variable and the zones that would do', async (_, zone, state) => {
  api.zones.push({ name: 'residential', type: 'resident' });
  const found = await checks(zone);
  expect(found['BRIGHTDATA_ZONE']).toEqual([state, expect.stringContaining(`set BRIGHTDATA_ZONE to one of: ${ZONE}`)]);
  expect(found['BRIGHTDATA_ZONE']?.[1]).not.toContain(': residential');
});

test('a key that may not list zones, and a service that does not answer, are warnings: runs may work', async () => {
  api.fail('zones', { status: 403, body: 'no permission' });
  expect((await checks())['BRIGHTDATA_API_TOKEN']?.[0]).toBe('warning');
  api.fail('zones', { lost: true });
  expect((await checks())['BRIGHTDATA_API_TOKEN']).toEqual(['warning', expect.stringContaining('BRIGHTDATA_API_URL')]);
});
