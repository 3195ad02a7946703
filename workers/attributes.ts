// Search attributes: registered by the worker, and looked at again, since a name may exist with another type.
import type { NativeConnection } from '@temporalio/worker';
import type { Logger as Pino } from 'pino';
import { ATTRIBUTES } from '../contracts/names';

/** temporal.api.enums.v1.IndexedValueType */
const KEYWORD: number = 2;

/** @returns true when every attribute exists as Keyword; a run must not upsert any other (it would hang for ever) */
export const registerAttributes = async (connection: NativeConnection, namespace: string, log: Pino): Promise<boolean> => {
  const wanted = Object.fromEntries(Object.values(ATTRIBUTES).map((name) => [name, KEYWORD]));
  try {
    await connection.operatorService.addSearchAttributes({ namespace, searchAttributes: wanted });
  } catch (error) {
    log.debug({ error: (error as Error).message }, 'search attributes could not be registered');
  }
  try {
    const { customAttributes } = await connection.operatorService.listSearchAttributes({ namespace });
    const there = Object.keys(wanted).every((name) => Number(customAttributes?.[name]) === KEYWORD);
    if (!there) log.warn('search attributes are not registered on this server: runs go on without them');
    return there;
  } catch (error) {
    log.warn({ error: (error as Error).message }, 'search attributes cannot be read: runs go on without them');
    return false;
  }
};
