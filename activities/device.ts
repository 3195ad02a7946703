// Which device a gpu worker has, who may borrow it, and what cannot run without one.
import type { GpuLender } from '../contracts/activities';
import type { BaseModel } from '../contracts/artifacts';
import { failure } from '../contracts/errors';
import type { Clock } from '../io/clock';

/** A base that only a GPU can train in a useful time, by name: known before anything is fetched. */
const NEEDS_GPU = /gpt-oss-(20b|120b)/i;

/** @throws InvalidInput, for good, where all workers of this machine run on the CPU */
export const refuseWithoutGpu = (base: string, cpuOnly: boolean): void => {
  if (cpuOnly && NEEDS_GPU.test(base))
    throw failure(
      'InvalidInput',
      `model.base: ${base} needs a GPU with at least 16 GiB, and this machine has none. Start it where a gpu worker runs ` +
        '(`npx retune worker gpu`), or choose a small model here: {"preset": "npm-manual"}',
    );
};

/** How long a lent device waits for its deed before it may be lent again. */
const HELD_MS = 30_000;

/** Whether the device is busy or promised; shared by the two workers of a gpu process. */
export class Device {
  private running = 0;
  private lentAt = -Infinity;

  constructor(
    readonly queue: string,
    readonly cpuOnly: boolean,
    private readonly clock: Clock,
  ) {}

  get idle(): boolean {
    return this.running === 0 && this.clock.monotonic() - this.lentAt > HELD_MS;
  }

  lend(): void {
    this.lentAt = this.clock.monotonic();
  }

  /** Runs a deed; the promise made by `lend` is kept with it. */
  async hold<T>(deed: () => Promise<T>): Promise<T> {
    this.running += 1;
    this.lentAt = -Infinity;
    try {
      return await deed();
    } finally {
      this.running -= 1;
    }
  }
}

export const createLender = (device: Device): GpuLender => ({
  lendGpu({ base }: { base: BaseModel }) {
    refuseWithoutGpu(base.id, device.cpuOnly);
    if (!device.idle) return Promise.reject(failure('GpuBusy', `${device.queue} is busy`));
    device.lend();
    return Promise.resolve({ queue: device.queue });
  },
});
