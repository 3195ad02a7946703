// One line of `retune doctor`.

export interface Check {
  name: string;
  /** warning: something works only in part, or not at all yet. */
  state: 'ok' | 'warning' | 'missing';
  text: string;
  fix: string | null;
}

export const ok = (name: string, text: string): Check => ({ name, state: 'ok', text, fix: null });
export const warning = (name: string, text: string, fix: string): Check => ({ name, state: 'warning', text, fix });
export const missing = (name: string, text: string, fix: string): Check => ({ name, state: 'missing', text, fix });
