/** The timings an engine can have, by `kind`, and how one is made of its configuration. */
import { AffineTiming, type AffineTimingConfig } from './affine.ts';
import { DynamoTiming, type DynamoTimingConfig } from './dynamo.ts';
import type { StepTime } from './step-time.ts';
import { TableTiming, type TableTimingConfig } from './table.ts';

export type TimingConfig = AffineTimingConfig | DynamoTimingConfig | TableTimingConfig;

/** A timing holds no state: engines of one configuration may share it. */
export function makeTiming(config: TimingConfig): StepTime {
  switch (config.kind) {
    case 'affine':
      return new AffineTiming(config);
    case 'dynamo':
      return new DynamoTiming(config);
    case 'table':
      return new TableTiming(config);
    default:
      return config satisfies never;
  }
}
