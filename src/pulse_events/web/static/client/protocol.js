// @ts-check
/**
 * What a page and its worker must have in common.  A tab with another version of this module must
 * not be answered by a worker that speaks otherwise: count both up on a change of what is said.
 */
export const PROTOCOL = 4;
/** Two tabs get the same SharedWorker if its address and this are the same. */
export const WORKER_NAME = "pulse-events-4";
