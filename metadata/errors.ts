import { type ErrorDetails, GatewayError } from '#core';

/** Every code that `metadata/` throws; stable API. */
export type MetadataErrorCode =
  /** The text is not well-formed XML (or uses what is refused on principle: a DTD, an unknown entity). */
  | 'REC_ERR_METADATA_MALFORMED'
  /** Too many characters, elements or levels. */
  | 'REC_ERR_METADATA_TOO_LARGE'
  /** Well-formed XML, but no recording metadata and no snapshot request. */
  | 'REC_ERR_METADATA_UNKNOWN_ROOT'
  /** Not 16 bytes, or not a UUID. */
  | 'REC_ERR_METADATA_ID'
  /** One identifier for two things (RFC 7865 §6.10). */
  | 'REC_ERR_METADATA_DUPLICATE_ID'
  /** Two streams with one label (RFC 7865 §6.7.1). */
  | 'REC_ERR_METADATA_DUPLICATE_LABEL'
  /** A time that xs:dateTime cannot express. */
  | 'REC_ERR_METADATA_TIME'
  | 'REC_ERR_METADATA_UNKNOWN_PARTICIPANT'
  | 'REC_ERR_METADATA_UNKNOWN_STREAM'
  /** A fact that adds to a session that has ended. */
  | 'REC_ERR_METADATA_SESSION_ENDED'
  /** More participants or streams at once than one document may hold. */
  | 'REC_ERR_METADATA_LIMIT'
  /** An extension element or attribute whose name cannot be written. */
  | 'REC_ERR_METADATA_EXTENSION_NAME';

/** Thrown by everything in `metadata/`. */
export class MetadataError extends GatewayError {
  declare readonly code: MetadataErrorCode;

  constructor(
    code: MetadataErrorCode,
    message: string,
    options: { cause?: unknown; details?: ErrorDetails } = {},
  ) {
    super(code, message, options);
  }
}
