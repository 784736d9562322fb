export { type CSeq, parseCSeq } from './cseq';
export {
  formatHostPort,
  formatParams,
  isToken,
  type Params,
  parseHostPort,
  parseNumber,
  parseParams,
  splitList,
  trimBlanks,
} from './grammar';
export { type HeaderEntry, HeaderList } from './header-list';
export { canonicalHeaderName, headerKey } from './header-names';
export {
  defaultReason,
  makeRequest,
  makeResponse,
  type SipMessage,
  type SipRequest,
  type SipResponse,
} from './message';
export { formatNameAddr, type NameAddrValue, parseNameAddr, tagOf, withTag } from './name-addr';
export { ownCopy } from './own-copy';
export { type ParseFailure, type ParseFailureCode, parseMessage, type ParseResult } from './parse';
export { serializeMessage } from './serialize';
export { formatSipUri, isAbsoluteUri, parseSipUri, type SipUri } from './uri';
export { BRANCH_COOKIE, formatVia, noteSource, parseVia, setTopVia, type Via } from './via';
