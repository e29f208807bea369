/**
 * Where a command writes: its one table or document to stdout, everything else to stderr. A reader that
 * closes the pipe early (`| head`) is no error; a full disk is.
 */
import { UsageError } from './usage-error.ts';

const WIDTH_UNKNOWN = 100;

export interface Terminal {
  /** To stdout; resolves once it is handed over. */
  print(text: string): Promise<void>;
  /** A line to stderr. */
  warn(line: string): void;
  /** Columns of stdout. */
  readonly width: number;
  /** Emphasis is welcome on stdout. */
  readonly colors: boolean;
  /** Progress may be shown on stderr. */
  readonly progress: boolean;
}

/** The process's own. Installs the handlers that keep a closed pipe from being a crash; call it once. */
export function processTerminal(): Terminal {
  const { stdout, stderr } = process;
  // Without a listener a failed write is an uncaught exception; `print` hears of it by its callback.
  stdout.on('error', () => undefined);
  stderr.on('error', () => undefined);
  return {
    print: (text) =>
      new Promise((resolve, reject) => {
        stdout.write(text, (error) => {
          const code = (error as NodeJS.ErrnoException | null | undefined)?.code;
          if (code === undefined || code === 'EPIPE') resolve();
          else reject(new UsageError(`cannot write to stdout: ${code}`));
        });
      }),
    warn: (line) => {
      stderr.write(`${line}\n`);
    },
    width: stdout.isTTY ? Math.max(40, stdout.columns) : WIDTH_UNKNOWN,
    colors: stdout.isTTY && process.env['NO_COLOR'] === undefined,
    progress: stderr.isTTY,
  };
}
