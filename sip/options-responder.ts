import { ALLOWED_METHODS, PASSED_OPTION_TAGS } from './header-policy';
import { type OutgoingResponse } from './user-agent';

/** What the gateway says about itself to an OPTIONS (RFC 3261 §11.2). */
export function optionsAnswer(): OutgoingResponse {
  return {
    headers: {
      Allow: ALLOWED_METHODS,
      Accept: 'application/sdp, multipart/mixed',
      'Accept-Encoding': 'identity',
      Supported: [...PASSED_OPTION_TAGS].join(', '),
    },
  };
}
