// Every export here becomes a workflow type.
export { pipeline } from './pipeline';
export { collectShard } from './collect-shard';
