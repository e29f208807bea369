/** What a router may answer besides an index. */

/** None of them now: the request waits until a lease is settled or news comes, and newcomers wait behind it. */
export const WAIT = -1;

/** None of them, and waiting is no use: the request is shed at once. */
export const REFUSE = -2;
