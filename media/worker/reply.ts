/**
 * Answers a command of the facade's.
 * @param error null: it was done.
 * @param busySlot whose address is in use.
 * @param atMs wall clock, ms; default: now.
 */
export type Reply = (
  request: number,
  error?: string | null,
  busySlot?: number | null,
  atMs?: number,
) => void;
