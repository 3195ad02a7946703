// A value that cannot be printed by accident.
import { inspect } from 'node:util';

const SHOWN = '[secret]';

/** JSON.stringify, util.inspect, console.log and string concatenation all give '[secret]'; only reveal() gives the value. */
export class Secret {
  readonly #value: string;
  constructor(value: string) {
    this.#value = value;
  }
  /** For the one header or environment that needs it. */
  reveal(): string {
    return this.#value;
  }
  toString(): string {
    return SHOWN;
  }
  toJSON(): string {
    return SHOWN;
  }
  [inspect.custom](): string {
    return SHOWN;
  }
}
