// Whether the Bright Data account is accepted and its zone exists: one request that costs nothing and makes nothing.
import { createBrightData } from '../io/brightdata';
import { BrightDataError } from '../io/brightdata-error';
import type { Turns } from '../io/brightdata-turns';
import type { Config } from '../io/config';
import { type Check, missing, ok, warning } from './doctor-check';

const TIMEOUT_MS = 15_000;
/** Named at most. */
const SHOWN = 5;
/** Type of a zone that answers POST /request. */
const UNLOCKER = 'unblocker';

/** A single request here needs no turn: a run's turns are in its store, and an answer of 429 is told, not repeated. */
const turns: Turns = { take: () => Promise.resolve(() => Promise.resolve()) };

const zoneCheck = (zone: string | null, zones: readonly { name: string; type: string }[]): Check => {
  const name = 'BRIGHTDATA_ZONE';
  const unlockers = zones.filter(({ type }) => type === UNLOCKER).map((one) => one.name);
  const choice =
    unlockers.length === 0
      ? "make a Web Unlocker zone in Bright Data's control panel and set BRIGHTDATA_ZONE to its name"
      : `set BRIGHTDATA_ZONE to one of: ${unlockers.slice(0, SHOWN).join(', ')}`;
  if (zone === null) return warning(name, 'unset: what a batch does not bring is not asked for singly', choice);
  const found = zones.find((one) => one.name === zone);
  if (found === undefined) return missing(name, `${zone} is no active zone of this account`, choice);
  if (found.type !== UNLOCKER) return missing(name, `${zone} is a zone of type ${found.type}, not a Web Unlocker`, choice);
  return ok(name, `${zone} is active`);
};

/** Empty without a token: `auto` then fetches directly, which is no fault. */
export const checkBrightData = async ({ brightData: { token, url, zone } }: Pick<Config, 'brightData'>): Promise<Check[]> => {
  if (token === null) return [];
  const name = 'BRIGHTDATA_API_TOKEN';
  const api = createBrightData({ url, token, turns, now: () => Date.now() });
  try {
    const zones = await api.zones({ signal: new AbortController().signal, timeoutMs: TIMEOUT_MS });
    return [ok(name, 'accepted'), zoneCheck(zone, zones)];
  } catch (error) {
    if (!(error instanceof BrightDataError)) throw error;
    if (error.code === 'unauthorized') return [missing(name, error.message, 'correct BRIGHTDATA_API_TOKEN')];
    if (error.code === 'payment_required') return [missing(name, error.message, "add credit to Bright Data's account")];
    // A key of a lower level may scrape and yet not list zones.
    if (error.kind === 'configuration')
      return [warning(name, `present; ${error.message}`, 'whether BRIGHTDATA_ZONE exists cannot be told with this key')];
    return [warning(name, `present; ${error.message}`, 'check the network and BRIGHTDATA_API_URL')];
  } finally {
    await api.close();
  }
};
