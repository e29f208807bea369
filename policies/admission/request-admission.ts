/** Request admission as the registry knows it; adaptive-admission.ts says how it decides. */
import type { PolicyEntry } from '../entry.ts';
import { AdaptiveAdmission } from './adaptive-admission.ts';
import { type RequestAdmissionConfig, requestAdmissionConfig } from './config.ts';

export const requestAdmission: PolicyEntry<'admission', RequestAdmissionConfig> = {
  role: 'admission',
  name: 'aimd',
  decides: 'Which attempt may call a provider now: AIMD limit per resource, cap per endpoint, cool-downs, fair queue.',
  source: 'NVIDIA-NeMo/DataDesigner engine/models/request_admission 99517abc',
  config: requestAdmissionConfig,
  variants: {
    'datadesigner-head': {
      waitTimeout: 'none',
      retryAfterMax: 'none',
      cooldownEnd: 'latest-429',
      emptiedGroup: 'stays',
      ceiling: 'for-ever',
      newcomers: 'behind-fair-head',
      stateBegins: 'any-touch',
    },
  },
  make: (config) => new AdaptiveAdmission(config),
};
