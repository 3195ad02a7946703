// Counts and names as a person reads them: in the terminal, the report and the cards.
import type { Counts } from '../contracts/artifacts';

/** 1234567 -> 1,234,567, whatever the locale. */
export const grouped = (value: number): string => String(value).replace(/\B(?=(\d{3})+$)/g, ',');

/** The words of a snake_case or camelCase name: `gone_once`, `goneOnce` -> gone once. */
export const words = (name: string): string =>
  name.replaceAll('_', ' ').replace(/(?<=[a-z])[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

/** "1,234 pages, 12 dropped": in the stage's own order, since biggest first would jump about; zeros but a leading one are left out. */
export const countsText = (counts: Readonly<Counts>): string =>
  Object.entries(counts)
    .filter(([, value], at) => value !== 0 || at === 0)
    .map(([name, value]) => `${grouped(value)} ${words(name)}`)
    .join(', ');
