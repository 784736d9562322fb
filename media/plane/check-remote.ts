import { type RemoteStream } from '#core';
import { parseIp } from '../io/peer-address';
import { MediaError } from '../errors';
import { checkKey } from '../srtp/key-derivation';

/**
 * @throws MediaError `REC_ERR_MEDIA_BAD_ADDRESS` when an address is no IP literal with a usable port,
 *   `REC_ERR_MEDIA_BAD_KEY` when a key does not fit its suite.
 */
export function checkRemote(remote: RemoteStream): void {
  for (const address of [remote.rtp, remote.rtcp]) {
    if (address === null) {
      continue;
    }
    const { host, port } = address;
    if (parseIp(host) === null || !Number.isInteger(port) || port < 1 || port > 0xffff) {
      throw new MediaError('REC_ERR_MEDIA_BAD_ADDRESS', `cannot send to ${host} port ${port}`, {
        details: { host, port },
      });
    }
  }
  if (remote.crypto !== undefined) {
    checkKey(remote.crypto.suite, remote.crypto.sendKey);
    checkKey(remote.crypto.suite, remote.crypto.receiveKey);
  }
}
