// Which GPUs are here, as the driver's own tool says.
import { execFile } from 'node:child_process';
import { promisify } from 'node:util';

export interface Gpu {
  index: number;
  name: string;
  memoryMb: number;
}

/** NVIDIA devices of this machine; none where the driver's tool is missing or finds none. */
export const listGpus = async (): Promise<Gpu[]> => {
  const query = ['--query-gpu=index,name,memory.total', '--format=csv,noheader,nounits'];
  const output = await promisify(execFile)('nvidia-smi', query, { timeout: 20_000 }).then(
    ({ stdout }) => stdout,
    () => '',
  );
  return output
    .split('\n')
    .map((line) => line.split(',').map((cell) => cell.trim()))
    .flatMap(([index, name, memory]) =>
      name !== undefined && memory !== undefined && /^\d+$/.test(index ?? '')
        ? [{ index: Number(index), name, memoryMb: Number(memory) }]
        : [],
    );
};
