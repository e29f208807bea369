/**
 * Groups of gateway.json that nothing here implements yet, and why. "Policies" is the issue that brings the
 * other smg policies, "Live" the one that brings the proxy with its HTTP surface, metadata discovery and
 * scraping.
 */
const HTTP = 'Live: statuses and bodies of the HTTP surface';
const SCRAPING = 'Live: workers are discovered and scraped by the proxy only';

export const leftOut: Readonly<Record<string, string>> = {
  discovered_capacity_label: SCRAPING,
  server_settings_validation: 'Live: the proxy has server settings, the `policies:` block has not',
  resilience_merge: 'Live: overrides come with a worker, when it is registered; the port has none',
  prometheus_scrape: SCRAPING,
  engine_load_gate: SCRAPING,
  pd_status_mapping: HTTP,
  pd_bootstrap_batch: HTTP,
};
