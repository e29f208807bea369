/** The watching thread in a checkout, whose sources are TypeScript: teaches it to load them, then is watchdog-thread. */
import { register } from 'tsx/esm/api';

register();
await import('./watchdog-thread.ts');
