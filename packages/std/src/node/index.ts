export {
  type ProcessExit,
  type ProcessOptions,
  type RunningProcess,
  startProcess,
} from './child-process.ts';
export { guard, unguard } from './guardian.ts';
export {
  JsonLogger,
  type LogFields,
  type LoggerOptions,
  type LogLevel,
  logLevels,
} from './json-logger.ts';
export { LineReader } from './line-reader.ts';
export { allocatePorts, NoFreePortError } from './ports.ts';
export { ProcessNotReadyError, ProcessStartError } from './process-errors.ts';
export { smallProcess } from './small-process.ts';
export { type WriteFileOptions, writeFileAtomic } from './write-file-atomic.ts';
