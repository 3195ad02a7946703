import type { Page } from '../../contracts/records';

/** Record of an HTML page for tests to which only its text matters. */
export const htmlPage: Page = {
  schema: 1,
  id: '0'.repeat(64),
  url: 'http://site.test/',
  bodySha256: '0'.repeat(64),
  bodyBytes: 0,
  format: 'html',
  charset: null,
};
