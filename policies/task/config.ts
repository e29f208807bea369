/**
 * Configuration of task scheduling. Defaults: DataDesigner 99517abc (AsyncTaskScheduler, TaskAdmissionConfig,
 * BoundedBorrowTaskAdmissionPolicyConfig); task-scheduling.ts has the variants of the commits before.
 */
import { z } from 'zod';
import { count, policyObject, ratio, unknownKeys } from '../config.ts';

const RESOURCE = "Name of a resource: 'submission', 'llm-wait', 'request:<provider>/<model>', or one of your own.";

const commonFields = {
  submission: count(1)
    .prefault(1024)
    .describe('Tasks that may run at once. Source: upstream max_in_flight_tasks.'),
  llmWait: count(1)
    .prefault(1024)
    .describe('Tasks with a model call that may run at once. Source: upstream max_model_task_admission.'),
  groupBacklog: z
    .number()
    .gt(0)
    .prefault(2)
    .describe('Tasks a group may run, over its parallel calls. Source: upstream group backlog multiplier.'),
  requestLimits: z
    .enum(['per-endpoint', 'none'])
    .prefault('per-endpoint')
    .describe("Whether running tasks of an endpoint are bounded by its parallel calls. 'none': before pull 730."),
  limits: z
    .array(
      z.strictObject(
        {
          resource: z.string().min(1).describe(RESOURCE),
          limit: count(1).describe('Amount that running tasks may hold together.'),
        },
        { error: unknownKeys('a limit', ['resource', 'limit']) },
      ),
    )
    .prefault([])
    .describe('Amounts of other resources, or in place of those above. Source: upstream resource_limits.'),
  emptiedGroup: z
    .enum(['leaves', 'stays'])
    .prefault('leaves')
    .describe("A group that discards emptied loses its place in the fair order. 'stays': before #810."),
  advisory: z
    .enum(['request-pressure', 'none'])
    .prefault('request-pressure')
    .describe('Whether tasks whose call would wait let others go first. Source: upstream request_pressure_advisory.'),
  dispatchYield: z
    .enum(['after-dispatch', 'none'])
    .prefault('after-dispatch')
    .describe("Whether started tasks get to ask for request admission before the next pass. 'none': before pull 730."),
  releasedHistory: count(0, 1_000_000)
    .prefault(8192)
    .describe('Released leases remembered to tell a duplicate release. Source: upstream, same number.'),
};

export const strictConfig = policyObject('strict', commonFields);
export type StrictConfig = z.output<typeof strictConfig>;

export const boundedBorrowConfig = policyObject('bounded-borrow', {
  ...commonFields,
  ceiling: count()
    .optional()
    .describe('Most a group may owe; by default all but share and reserve. Source: default_borrow_ceiling.'),
  ceilings: z
    .array(
      z.strictObject(
        {
          group: z.string().min(1).describe('Kind, identity and columns of its tasks, joined by slashes.'),
          resource: z.string().min(1).describe(RESOURCE),
          ceiling: count().describe('Most it may owe of the resource.'),
        },
        { error: unknownKeys('a ceiling', ['group', 'resource', 'ceiling']) },
      ),
    )
    .prefault([])
    .describe("Most one group, 'kind/identity…/columns…', may owe. Source: borrow_ceiling_by_group_resource."),
  reserveRatio: ratio()
    .prefault(0)
    .describe('Part of a limit, rounded up, that nobody may borrow. Source: dynamic_borrow_reserve_fraction.'),
  reserveMin: count()
    .prefault(0)
    .describe('Least amount reserved, whatever the ratio; upstream had 1 until #810, half of an endpoint of 2.'),
  reserveMax: count(1)
    .prefault(8)
    .describe('Most reserved of one resource. Source: dynamic_borrow_max_reserved_slots.'),
  shareRounding: z
    .enum(['up', 'down'])
    .prefault('up')
    .describe('How a share becomes a whole number; never below 1. Source: strict_share_rounding.'),
  repay: z
    .enum(['on-release', 'never'])
    .prefault('on-release')
    .describe("How a debt ends. 'never': upstream without repay_on_withheld_peer_pressure; a debtor starves."),
});
export type BoundedBorrowConfig = z.output<typeof boundedBorrowConfig>;

/** What all share rules have in common. */
export type TaskConfig = Omit<StrictConfig, 'name'>;
