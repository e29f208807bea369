/** What a gateway reads of its workers' metrics and server information. */
import { serverInfoOf, sglangMetricsReport, vllmReport } from '../../../src/live/fleet/load-reports.ts';
import { PrometheusText } from '../../../src/live/fleet/prometheus-text.ts';
import type { Handlers } from './handler.ts';

interface ScrapeInput {
  readonly text: string;
  readonly query: readonly string[];
}

interface GateInput {
  readonly engine: 'vllm' | 'sglang';
  readonly gauges_present: readonly string[];
}

export const scrapingGroups: Handlers = {
  prometheus_scrape: ({ text, query }: ScrapeInput) => {
    const metrics = new PrometheusText(text);
    return { sequence: query.map((name) => ({ name, ...metrics.gauge(name) })) };
  },
  engine_load_gate: ({ engine, gauges_present: gauges }: GateInput) => {
    const text = gauges.map((name) => `${name} 0.5`).join('\n');
    const report = engine === 'vllm' ? vllmReport(text, 0, undefined) : sglangMetricsReport(text, -1);
    return { result: report === undefined ? 'unavailable' : 'available' };
  },
  discovered_capacity_label: ({ server_info: info }: { readonly server_info: object }) => {
    const { maxRunning } = serverInfoOf(info);
    return { label: maxRunning < 0 ? null : String(maxRunning) };
  },
};
