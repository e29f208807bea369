/** The proxy's log: one JSON object a line, on stdout or where it is told to. No header and no body is ever logged. */
import { pino, type Logger } from 'pino';

export type { Logger } from 'pino';
export type LogLevel = 'fatal' | 'error' | 'warn' | 'info' | 'debug' | 'silent';

/** Lines are written in blocks of this size, or after so long. */
const BLOCK_BYTES = 4096;
const FLUSH_MS = 500;
const STDOUT = 1;

export interface Log {
  readonly logger: Logger;
  /** Writes what is still in memory. */
  flush(): void;
}

export function stdoutLog(level: LogLevel): Log {
  const destination = pino.destination({ fd: STDOUT, sync: false, minLength: BLOCK_BYTES, periodicFlush: FLUSH_MS });
  const logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, destination);
  return { logger, flush: () => destination.flushSync() };
}

/** Hands every line to `write` at once. */
export function writtenLog(level: LogLevel, write: (line: string) => void): Log {
  const logger = pino({ level, base: null, timestamp: pino.stdTimeFunctions.isoTime }, { write });
  return { logger, flush: () => undefined };
}
