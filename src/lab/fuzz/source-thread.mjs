/** A thread of a campaign in a checkout, whose sources are TypeScript: teaches it to load them, then is fuzz-thread. */
import { register } from 'tsx/esm/api';

register();
export const { fuzzInThread } = await import('./fuzz-thread.ts');
