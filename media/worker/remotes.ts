import { type RemoteStream } from '#core';
import { type PacketIo } from '../io/packet-io';
import { clockRateTable } from '../rtp/clock-rates';
import { type LegState } from './leg-state';
import { type RecordingStreamState } from './recording-state';

/** RTCP's port when signalling names none: one above RTP (RFC 3550 §11). */
function rtcpAddress(remote: RemoteStream): { host: string; port: number } | null {
  if (remote.rtcp !== null) {
    return remote.rtcp;
  }
  return remote.rtp === null || remote.rtp.port >= 0xffff
    ? null
    : { host: remote.rtp.host, port: remote.rtp.port + 1 };
}

/** Puts what signalling says of a leg's peer into force. */
export function applyLegRemote(leg: LegState, remote: RemoteStream, nowMs: number): void {
  const { rtp } = remote;
  const isMoved = rtp !== null && leg.rtpLatch.signal(rtp.host, rtp.port);
  const rtcp = rtcpAddress(remote);
  // A NAT may have made us follow another RTCP address than the signalled one: only a move resets that.
  if (rtcp !== null && (isMoved || !leg.rtcpLatch.destination.isSet)) {
    leg.rtcpLatch.signal(rtcp.host, rtcp.port);
  }
  leg.rtcpMux = remote.rtcpMux;
  leg.receives = remote.receives && rtp !== null;
  leg.clockRates = clockRateTable(remote.formats);
  if (remote.sends && !leg.sends) {
    // From now on packets are expected; and what comes after a hold has its own place in a recording's time.
    leg.lastRtpAtMs = nowMs;
    leg.hasTimedOut = false;
    leg.taps.forEach(tap => tap.output.startNewRun());
  }
  leg.sends = remote.sends;
}

/**
 * Puts the SRS's answer for one stream into force.
 *
 * @param remote null: the SRS refuses the stream, and what its ring holds is dropped.
 * @returns how many captured packets were dropped thereby.
 */
export function applyStreamRemote(
  io: PacketIo,
  stream: RecordingStreamState,
  remote: RemoteStream | null,
): number {
  stream.isRefused = remote === null;
  if (remote === null) {
    stream.isSending = false;
    return stream.ring.skipAll();
  }
  stream.accepted.fill(remote.formats.length === 0 ? 1 : 0);
  for (const { payloadType } of remote.formats) {
    stream.accepted[payloadType] = 1;
  }
  const { rtp } = remote;
  const rtcp = rtcpAddress(remote);
  if (rtcp !== null) {
    stream.rtcpRemote.set(rtcp.host, rtcp.port);
  }
  stream.rtcpMux = remote.rtcpMux;
  if (rtp !== null && !(stream.rtpRemote.host === rtp.host && stream.rtpRemote.port === rtp.port)) {
    stream.rtpRemote.set(rtp.host, rtp.port);
    io.connect(stream.rtpHandle, stream.rtpRemote);
    stream.lastUnreachableAtMs = -Infinity;
  }
  stream.isSending = remote.receives && rtp !== null;
  return 0;
}
