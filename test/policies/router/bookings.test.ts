/** What a router booked on its workers, and what ends a booking or a part of it. */
import { describe, expect, it } from 'vitest';
import { Bookings } from '../../../policies/router/bookings.ts';
import type { AttemptView } from '../../../policies/types.ts';
import { loadReport, requestView, workerView } from '../views.ts';

const attemptOn = (worker: number, id: number): AttemptView => {
  return { id, request: requestView({ id }), worker: workerView({ index: worker }), startedAt: 0 };
};
const [first, second, elsewhere] = [attemptOn(0, 1), attemptOn(0, 2), attemptOn(1, 3)];

/** Two attempts on worker 0, of 100 and 10 tokens to compute and 7 and 1 blocks; one of 1000 and 63 on worker 1. */
function booked(): Bookings {
  const bookings = new Bookings(300);
  bookings.book(0, first, 7, 100);
  bookings.book(1, second, 1, 10);
  bookings.book(2, elsewhere, 63, 1000);
  return bookings;
}

function sums(bookings: Bookings, worker: number): number[] {
  const { prefillTokens, blocks, requests } = bookings.of(worker);
  return [prefillTokens, blocks, requests];
}

describe('Bookings', () => {
  it('adds up tokens to compute, blocks and requests by worker', () => {
    expect([sums(booked(), 0), sums(booked(), 1), sums(booked(), 2)]).toEqual([
      ...[[110, 8, 2], [1000, 63, 1], [0, 0, 0]],
    ]);
  });

  it('takes all of a booking back with its lease, once', () => {
    const bookings = booked();
    for (let times = 0; times < 2; times++) {
      bookings.end(first);
      expect([sums(bookings, 0), sums(bookings, 1)]).toEqual([[10, 1, 1], [1000, 63, 1]]);
    }
  });

  it('ends the prefill of a booking alone with its first token, and ignores attempts it does not know', () => {
    const bookings = booked();
    for (const attempt of [first, first, attemptOn(0, 99)]) bookings.prefilled(attempt);
    expect(sums(bookings, 0)).toEqual([10, 8, 2]);
    bookings.end(attemptOn(0, 99));
    bookings.end(first);
    expect(sums(bookings, 0)).toEqual([10, 1, 1]);
  });

  it.each([0, 1, 64])('counts %d waiting tokens that a worker reports in place of all that it booked', (reported) => {
    const bookings = booked();
    bookings.reported(3, 0, 0, loadReport({ prefillTokens: reported }));
    expect([sums(bookings, 0), sums(bookings, 1)]).toEqual([[reported, 8, 2], [1000, 63, 1]]);
    bookings.end(first);
    expect(sums(bookings, 0)).toEqual([reported, 1, 1]);
    bookings.end(elsewhere);
    expect(sums(bookings, 1)).toEqual([0, 0, 0]);
  });

  it('adds what it books after a report to what the report counts', () => {
    const bookings = booked();
    bookings.reported(3, 0, 0, loadReport({ prefillTokens: 64 }));
    bookings.book(4, attemptOn(0, 4), 2, 32);
    expect(bookings.of(0).prefillTokens).toBe(96);
  });

  it('keeps its own count of waiting tokens while reports do not tell theirs', () => {
    const bookings = booked();
    bookings.reported(3, 0, 0, loadReport({ running: 2 }));
    expect(sums(bookings, 0)).toEqual([110, 8, 2]);
  });

  it('drops a booking the instant it is too old, the oldest first', () => {
    const bookings = booked();
    bookings.expire(299);
    expect(sums(bookings, 0)).toEqual([110, 8, 2]);
    bookings.expire(300);
    expect([sums(bookings, 0), sums(bookings, 1)]).toEqual([[10, 1, 1], [1000, 63, 1]]);
    bookings.expire(302);
    expect([sums(bookings, 0), sums(bookings, 1)]).toEqual([[0, 0, 0], [0, 0, 0]]);
  });

  it('forgets what a worker reported that left without leases, so that its index begins anew', () => {
    const bookings = booked();
    bookings.end(elsewhere);
    for (const worker of [0, 1, 2]) bookings.reported(3, worker, 0, loadReport({ prefillTokens: 5 }));
    bookings.keepOnly([2]);
    // Worker 0 left as well, but its leases are still to end.
    expect([0, 1, 2].map((worker) => sums(bookings, worker))).toEqual([[5, 8, 2], [0, 0, 0], [5, 0, 0]]);
    bookings.end(first);
    bookings.end(second);
    bookings.keepOnly([2]);
    expect(sums(bookings, 0)).toEqual([0, 0, 0]);
  });
});
