import { createHash } from 'node:crypto';
import { type IdSource } from '#core';
import { MetadataError } from './errors';

/**
 * A unique_id of RFC 7865 §6.10: the 16 bytes of a UUID in base64, 24 characters that end in `==`. A document
 * of a peer may hold an illegal one; it is then kept verbatim and named in the deviations.
 */
export type MetadataId = string & { readonly __brand: 'MetadataId' };

const ID_BYTES = 16;
/** 16 bytes leave four unused bits in the last character, which must be zero (RFC 4648 §3.5). */
const BASE64_ID = /^[A-Za-z0-9+/]{21}[AQgw]==$/;
const UUID =
  /^(?:urn:uuid:)?([0-9a-f]{8})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{4})-([0-9a-f]{12})$/i;

/** @throws MetadataError `REC_ERR_METADATA_ID` unless there are 16 bytes. */
export function metadataIdFromBytes(bytes: Uint8Array): MetadataId {
  if (bytes.length !== ID_BYTES) {
    throw new MetadataError('REC_ERR_METADATA_ID', `an id has 16 bytes, not ${bytes.length}`);
  }
  return Buffer.from(bytes).toString('base64') as MetadataId;
}

/** The id as its 16 bytes. @throws MetadataError `REC_ERR_METADATA_ID` for an illegal id of a peer. */
export function metadataIdToBytes(id: MetadataId): Uint8Array {
  if (!BASE64_ID.test(id)) {
    throw new MetadataError('REC_ERR_METADATA_ID', 'the id is not 16 bytes in base64');
  }
  return Uint8Array.from(Buffer.from(id, 'base64'));
}

/**
 * From a dashed UUID in either case, with or without `urn:uuid:`.
 * @throws MetadataError `REC_ERR_METADATA_ID` for anything else.
 */
export function metadataIdFromUuid(uuid: string): MetadataId {
  const match = UUID.exec(uuid);
  if (match === null) {
    throw new MetadataError('REC_ERR_METADATA_ID', 'the id is not a dashed UUID');
  }
  return metadataIdFromBytes(Buffer.from(match.slice(1).join(''), 'hex'));
}

/** The dashed form in lower case. @throws MetadataError `REC_ERR_METADATA_ID` for an illegal id of a peer. */
export function metadataIdToUuid(id: MetadataId): string {
  const hex = Buffer.from(metadataIdToBytes(id)).toString('hex');
  return [
    hex.slice(0, 8),
    hex.slice(8, 12),
    hex.slice(12, 16),
    hex.slice(16, 20),
    hex.slice(20),
  ].join('-');
}

/** The id, or null unless `text` is exactly 16 bytes in canonical base64 (RFC 4648 §4). */
export function parseMetadataId(text: string): MetadataId | null {
  return BASE64_ID.test(text) ? (text as MetadataId) : null;
}

/** Whether `text` is a dashed UUID, with or without `urn:uuid:`. */
export function isUuid(text: string): boolean {
  return UUID.test(text);
}

/** A fresh random id. */
export function newMetadataId(ids: IdSource): MetadataId {
  return metadataIdFromUuid(ids.uuid());
}

/** An id that always follows from another one and a name, in the manner of a UUID of version 5 (RFC 9562 §5.5). */
export function derivedMetadataId(id: MetadataId, name: string): MetadataId {
  const bytes = createHash('sha1')
    .update(id)
    .update('\n')
    .update(name)
    .digest()
    .subarray(0, ID_BYTES);
  bytes.writeUInt8(((bytes[6] ?? 0) & 0x0f) | 0x50, 6);
  bytes.writeUInt8(((bytes[8] ?? 0) & 0x3f) | 0x80, 8);
  return metadataIdFromBytes(bytes);
}
