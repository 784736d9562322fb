import { randomUUID } from 'node:crypto';

/** One call through the gateway (both legs). A dashed UUID, ours; not the SIP Call-ID. */
export type CallId = string & { readonly __brand: 'CallId' };
/** One recording of one call for one recorded party. A dashed UUID. */
export type RecordingId = string & { readonly __brand: 'RecordingId' };

/** Where new identifiers come from; injected so that tests are repeatable. */
export interface IdSource {
  /** A random (version 4) UUID in dashed form. */
  uuid(): string;
}

/**
 * Random UUIDs of the platform. That joins each from some twenty strings, which take 600 bytes as long as nobody makes
 * one string of them; ids are kept with calls.
 */
export const randomIds: IdSource = {
  uuid: () => Buffer.from(randomUUID(), 'latin1').toString('latin1'),
};
