/**
 * `spillway proxy`: serves until SIGTERM or SIGINT, then ends in good order; a second signal ends at once. SIGHUP reads
 * the configuration again. A broken invariant ends the process: a gateway that has lost count of its leases must not
 * serve on.
 */
import { shownAddress } from '../live/http/listen-address.ts';
import { stdoutLog } from '../live/proxy/log.ts';
import { Proxy } from '../live/proxy/proxy.ts';
import type { ProxySettings } from '../live/proxy/settings.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import type { ProxyArguments } from './live-arguments.ts';
import { type Entries, entriesWith, readProxyConfig } from './proxy-config.ts';
import { signalled } from './signals.ts';
import type { Terminal } from './terminal.ts';
import { UsageError } from './usage-error.ts';

/** Resolves when it has ended. Throws UsageError, ScenarioError. */
export async function proxyCommand(args: ProxyArguments, terminal: Terminal): Promise<ExitCode> {
  const entries = await entriesWith(args.policies);
  const settings = readProxyConfig(args.config, entries, args.isInsecure);
  if (args.isCheck) {
    await terminal.print(`${args.config}: good; ${summary(settings)}\n`);
    return EXIT.ok;
  }
  const log = stdoutLog(settings.config.log.level);
  const proxy = new Proxy({
    settings,
    entries,
    log,
    journal: args.journal,
    onFatal: (error) => {
      log.logger.fatal({ err: error }, 'an invariant is broken');
      log.flush();
      process.exit(EXIT.invariantBroken);
    },
  });
  await start(proxy);
  return serve(proxy, args, entries);
}

async function start(proxy: Proxy): Promise<void> {
  try {
    await proxy.start();
  } catch (error) {
    await proxy.close();
    throw new UsageError(`cannot listen: ${(error as Error).message}`);
  }
}

async function serve(proxy: Proxy, args: ProxyArguments, entries: Entries): Promise<ExitCode> {
  const onHangUp = (): void => void reload(proxy, args, entries);
  process.on('SIGHUP', onHangUp);
  const first = signalled('SIGTERM', 'SIGINT');
  await first.received;
  first.ignore();
  const second = signalled('SIGTERM', 'SIGINT');
  await Promise.race([proxy.drain(), second.received.then(() => proxy.close())]);
  second.ignore();
  process.off('SIGHUP', onHangUp);
  return EXIT.ok;
}

async function reload(proxy: Proxy, args: ProxyArguments, entries: Entries): Promise<void> {
  let next: ProxySettings;
  try {
    next = readProxyConfig(args.config, entries, args.isInsecure);
  } catch (error) {
    proxy.reloadFailed((error as Error).message);
    return;
  }
  await proxy.reload(next);
}

function summary({ config, keys }: ProxySettings): string {
  const { workers, discovery, listen } = config;
  const sources = Object.entries(discovery).flatMap(([name, rules]) => (rules === undefined ? [] : [name]));
  const found = [`${workers.length} workers`, ...sources.map((name) => `workers by ${name}`)].join(', ');
  return `listens on ${shownAddress(listen)}, ${keys === undefined ? 'no' : keys.size} keys, ${found}`;
}
