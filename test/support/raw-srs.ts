import { PCMU } from '#core';
import {
  type RecordingDialog,
  type RecordingDialogEnd,
  type RecordingInvite,
  RFC7866_PROFILE,
  type SipStack,
  type SrsStreamAnswer,
} from '#sip';
import { RawDialog, type RawMessage, type RawSipPeer } from './raw-sip-peer';
import { type EngineUnderTest } from './sip-engine-under-test';

export const METADATA =
  '<?xml version="1.0"?>\r\n<recording xmlns="urn:ietf:params:xml:ns:recording:1">\r\n\r\n<datamode>complete</datamode></recording>';

export function streams(
  direction: 'sendonly' | 'inactive' = 'sendonly',
): RecordingInvite['streams'] {
  return [1, 2].map(label => ({
    label: String(label),
    local: {
      rtp: { host: '127.0.0.1', port: 30_000 + 2 * label },
      rtcp: { host: '127.0.0.1', port: 30_001 + 2 * label },
    },
    formats: [PCMU],
    ptimeMs: 20,
    direction,
  }));
}

/** An invitation to this SRS, over TCP. */
export function recordingInvite(
  srs: RawSipPeer,
  change: Partial<RecordingInvite> = {},
): RecordingInvite {
  return {
    srsUri: `${srs.uri};transport=tcp`,
    from: { uri: 'sip:gateway@example.org', displayName: 'Recorder Client' },
    profile: RFC7866_PROFILE,
    streams: streams(),
    metadata: METADATA,
    answerTimeoutMs: 2_000,
    ...change,
  };
}

/** What the SRS answers: one port per stream; 0 refuses it. */
export function answerSdp(ports: readonly number[], attribute = 'recvonly'): string {
  return [
    'v=0',
    'o=srs 1 1 IN IP4 127.0.0.1',
    's=-',
    'c=IN IP4 127.0.0.1',
    't=0 0',
    ...ports.flatMap(port => [`m=audio ${port} RTP/AVP 0`, `a=${attribute}`]),
    '',
  ].join('\r\n');
}

/** Collects what a recording dialog tells. */
export class RecordingEvents {
  readonly answers: (readonly SrsStreamAnswer[])[] = [];
  readonly snapshots: (string | null)[] = [];
  connectionsLost = 0;
  readonly ends: { cause: string; reason: string | null }[] = [];
  answerChanged(answers: readonly SrsStreamAnswer[]): void {
    this.answers.push(answers);
  }
  snapshotRequested(reason: string | null): void {
    this.snapshots.push(reason);
  }
  connectionLost(): void {
    this.connectionsLost++;
  }
  ended(end: { cause: RecordingDialogEnd; reason: string | null }): void {
    this.ends.push(end);
  }
}

export interface RawRecording {
  readonly dialog: RecordingDialog;
  readonly events: RecordingEvents;
  readonly invite: RawMessage;
  /** The SRS's side. */
  readonly srsDialog: RawDialog;
}

/** A recording session between us and a raw SRS. @param headers of the SRS's 200 */
export async function establishRecording(
  { stack, engine, srs }: { stack: SipStack; engine: EngineUnderTest; srs: RawSipPeer },
  headers: Readonly<Record<string, string>> = {},
  change: Partial<RecordingInvite> = {},
): Promise<RawRecording> {
  const events = new RecordingEvents();
  const promise = stack.srsClient.invite(
    recordingInvite(srs, change),
    events,
    new AbortController().signal,
  );
  const invite = await srs.request('INVITE');
  srs.reply(invite, '100 Trying');
  srs.reply(invite, '200 OK', {
    body: answerSdp([6_000, 6_002]),
    headers: {
      Allow: 'INVITE, ACK, BYE, UPDATE, OPTIONS',
      Contact: `<${srs.uri};transport=tcp>;+sip.srs`,
      ...headers,
    },
  });
  const dialog = await promise;
  await srs.request('ACK');
  return { dialog, events, invite, srsDialog: RawDialog.ofInvite(srs, engine.sipPort, invite) };
}

/** Ends it from our side. */
export async function endRecording(srs: RawSipPeer, recording: RawRecording): Promise<void> {
  const gone = recording.dialog.bye();
  srs.reply(await srs.request('BYE'), '200 OK');
  await gone;
}
