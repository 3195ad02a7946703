// The end of a log file, for messages that must say why a child ended.
import { readFile } from 'node:fs/promises';

/** Last non-empty lines of a file; '' where there is none. */
export const tailOf = async (file: string, lines: number): Promise<string> => {
  const text = await readFile(file, 'utf8').catch(() => '');
  return text
    .split('\n')
    .filter((line) => line.trim() !== '')
    .slice(-lines)
    .join('\n');
};
