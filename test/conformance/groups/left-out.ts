/** Groups of gateway.json that nothing here implements, and why. */
const SPLIT = 'the proxy does not split prefill from decode';

export const leftOut: Readonly<Record<string, string>> = {
  server_settings_validation: 'the proxy has settings of its own, with other names and rules',
  resilience_merge: 'workers bring no overrides of policies; the port has none',
  pd_status_mapping: SPLIT,
  pd_bootstrap_batch: SPLIT,
};
