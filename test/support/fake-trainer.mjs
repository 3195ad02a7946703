// Speaks the trainer's protocol without a model: node fake-trainer.mjs <mode> <command> config.json --events fd:3
import { spawn } from 'node:child_process';
import { readFileSync, writeSync } from 'node:fs';

const [mode, command, configFile] = process.argv.slice(2);
const config = JSON.parse(readFileSync(configFile, 'utf8'));
let seq = 0;
const line = (text) => writeSync(3, `${text}\n`);
const emit = (type, fields = {}) => line(JSON.stringify({ v: 1, seq: seq++, t: 1, type, ...fields }));
const log = (text) => writeSync(2, `${text}\n`);
const end = (exit) => {
  emit('closed', { exit });
  process.exit(exit);
};
const result = () => emit('result', { files: [{ name: 'a', bytes: 1, sha256: 'a'.repeat(64) }], metrics: { device: config.device } });

// As the real one: the end of stdin means that the parent is gone.
process.stdin.on('end', () => process.exit(11)).resume();
emit('opened', { command, pid: process.pid, versions: {}, env: process.env });

const wait = () => {
  emit('progress', { what: 'waiting', done: 0, total: null });
  setInterval(() => {}, 1000);
};
const modes = {
  ok() {
    for (let step = 1; step <= 100; step += 1) log(`step ${step}`);
    emit('from-the-future', { anything: [1] });
    process.stdout.write('a library prints to stdout\n', () => {
      result();
      end(0);
    });
  },
  failed() {
    emit('failed', { code: 'BadConfig', message: 'steps is wrong', remedy: 'set steps', retry: false });
    end(10);
  },
  silent: () => end(0),
  slow() {
    process.on('SIGTERM', () => end(12));
    wait();
  },
  stubborn() {
    process.on('SIGTERM', () => log('not now'));
    wait();
  },
  crash() {
    log(`token is ${process.env.HF_TOKEN}`);
    log('Segmentation fault');
    process.kill(process.pid, 'SIGSEGV');
  },
  garbage() {
    line('{"v":1,');
    wait();
  },
  newer() {
    line('{"v":2,"seq":1,"t":1,"type":"step"}');
    wait();
  },
  broken() {
    emit('step', { step: 'one' });
    wait();
  },
  // The grandchild ignores SIGTERM and holds every pipe open.
  grandchild() {
    const child = spawn(process.execPath, ['-e', "process.on('SIGTERM', () => {}); console.log('up'); setInterval(() => {}, 1000);"], {
      stdio: ['ignore', 'pipe', 2, 3],
    });
    child.stdout.once('data', () => {
      emit('progress', { what: 'grandchild', done: child.pid, total: null });
      result();
      end(0);
    });
  },
};
modes[mode]();
