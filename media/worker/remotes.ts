import { type RemoteStream } from '#core';
import { payloadKindTable } from '../codec/payload-kinds';
import { G711_RATE_HZ } from '../codec/to-g711';
import { type PacketIo } from '../io/packet-io';
import { formatEndpoint } from '../io/peer-address';
import { clockRateTable, sharedFormats } from '../rtp/payload-types';
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
  leg.isSignalled = true;
  const isNewPeer = remote.isNewPeer === true;
  const isMoved = rtp !== null && leg.rtpLatch.signal(rtp.host, rtp.port, isNewPeer);
  const rtcp = rtcpAddress(remote);
  const signalledRtcp = rtcp === null ? '' : formatEndpoint(rtcp.host, rtcp.port);
  // A NAT may have made us follow another RTCP address than the signalled one: only a move resets that.
  if (rtcp !== null && (isMoved || signalledRtcp !== leg.signalledRtcp)) {
    leg.signalledRtcp = signalledRtcp;
    leg.rtcpLatch.signal(rtcp.host, rtcp.port, isNewPeer);
  }
  leg.rtcpMux = remote.rtcpMux;
  leg.receives = remote.receives && rtp !== null;
  leg.clockRates = clockRateTable(remote.formats);
  leg.formats = sharedFormats(remote.formats);
  leg.kinds = payloadKindTable(remote.formats);
  leg.packetMs = remote.ptimeMs ?? 0;
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
  stream.isAnswered = true;
  if (remote === null) {
    stream.isSending = false;
    return stream.ring.skipAll();
  }
  stream.rules.setAccepted(remote.formats);
  if (stream.output.clockRateHz !== G711_RATE_HZ) {
    stream.meetsAt = stream.output.timestamp;
  }
  const { rtp } = remote;
  const rtcp = rtcpAddress(remote);
  if (rtcp !== null) {
    stream.rtcpRemote.set(rtcp.host, rtcp.port);
  }
  stream.rtcpMux = remote.rtcpMux;
  if (rtp !== null && !stream.rtpRemote.isAt(rtp.host, rtp.port)) {
    stream.rtpRemote.set(rtp.host, rtp.port);
    io.connect(stream.rtpHandle, stream.rtpRemote);
    stream.lastUnreachableAtMs = -Infinity;
  }
  stream.isSending = remote.receives && rtp !== null;
  return 0;
}
