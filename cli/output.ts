// What a command says: tidy text for a person, or with --json one object a line and nothing else on stdout.
import { styleText } from 'node:util';
import { terminalSettings } from '../io/config';

export type Style = 'bold' | 'dim' | 'green' | 'red' | 'yellow' | 'cyan';

export interface Output {
  readonly json: boolean;
  /** True where lines may be rewritten in place. */
  readonly live: boolean;
  /** Columns of the terminal; without limit where nobody's terminal is written to. */
  readonly width: number;
  /** Text for a person; silent with --json. */
  line(text?: string): void;
  /** Replaces the rewritable lines at the end; only where `live`. */
  redraw(lines: readonly string[]): void;
  /** The object of a --json line; silent otherwise. */
  event(object: Record<string, unknown>): void;
  /** A remark beside the result: stderr. */
  note(text: string): void;
  style(style: Style, text: string): string;
}

/**
 * @param json whether stdout carries JSON lines
 * @param stdout,stderr where to write; process streams unless a test gives others
 */
export const createOutput = (
  json: boolean,
  stdout: NodeJS.WriteStream = process.stdout,
  stderr: NodeJS.WriteStream = process.stderr,
): Output => {
  const { redraws, colours } = terminalSettings();
  const live = !json && stdout.isTTY && redraws;
  const coloured = live && colours;
  let drawn = 0;
  const clear = (): string => (drawn === 0 ? '' : `\x1b[${drawn}A\x1b[J`);
  return {
    json,
    live,
    get width() {
      return stdout.isTTY ? stdout.columns || 100 : Infinity;
    },
    line(text = '') {
      if (json) return;
      stdout.write(`${clear()}${text}\n`);
      drawn = 0;
    },
    redraw(lines) {
      if (!live) return;
      stdout.write(`${clear()}${lines.map((line) => `${line}\n`).join('')}`);
      drawn = lines.length;
    },
    event(object) {
      if (json) stdout.write(`${JSON.stringify(object)}\n`);
    },
    note(text) {
      stderr.write(`${text}\n`);
    },
    style: (style, text) => (coloured ? styleText(style, text) : text),
  };
};

/** 4.2 s, 3 min 05 s, 2 h 10 min. */
export const duration = (ms: number): string => {
  const seconds = ms / 1000;
  if (seconds < 60) return `${seconds.toFixed(1)} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${String(Math.floor(seconds % 60)).padStart(2, '0')} s`;
  return `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min`;
};
