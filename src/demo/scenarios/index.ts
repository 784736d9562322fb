import { type Scenario } from '../scenario';
import { beepOnPause } from './beep-on-pause';
import { onDemandKeep } from './on-demand-keep';
import { reminderTone } from './reminder-tone';
import { srsRefusesReinvite } from './srs-refuses-reinvite';
import { srtpSrs } from './srtp-srs';
import { announcements } from './announcements';
import { always } from './always';
import { alwaysPauseResume } from './always-pause-resume';
import { broadworksAnnouncements } from './broadworks-announcements';
import { broadworksConference } from './broadworks-conference';
import { broadworksInbound } from './broadworks-inbound';
import { broadworksOutbound } from './broadworks-outbound';
import { broadworksTransfer } from './broadworks-transfer';
import { bothRecorded } from './both-recorded';
import { failoverWhilePaused } from './failover-while-paused';
import { hold } from './hold';
import { never } from './never';
import { compulsoryNoSrs, endCallOnFailure, proceedWithAnnouncement } from './no-recorder';
import { onDemand } from './on-demand';
import { snapshotRequest } from './snapshot-request';
import { tlsMutual } from './tls-mutual';
import { transcodeG722ToPcmu } from './transcode-g722-to-pcmu';
import { transfer, transferToRecorded } from './transfer';
import { voicemail } from './voicemail';
import { srsLateAnswer } from './srs-late-answer';
import { srsByeMidcall, srsFrozenMidcall, srsKilledMidcall } from './srs-lost-midcall';
import { srs503Failover, srsSilentFailover } from './srs-refusing-first';

/** Every scenario, in the order in which they are listed and run. */
export const SCENARIOS: readonly Scenario[] = [
  always,
  alwaysPauseResume,
  onDemand,
  onDemandKeep,
  never,
  bothRecorded,
  announcements,
  reminderTone,
  beepOnPause,
  hold,
  voicemail,
  transfer,
  transferToRecorded,
  srsLateAnswer,
  srs503Failover,
  srsSilentFailover,
  srsKilledMidcall,
  srsFrozenMidcall,
  srsByeMidcall,
  srsRefusesReinvite,
  failoverWhilePaused,
  endCallOnFailure,
  proceedWithAnnouncement,
  compulsoryNoSrs,
  srtpSrs,
  tlsMutual,
  transcodeG722ToPcmu,
  snapshotRequest,
  broadworksInbound,
  broadworksOutbound,
  broadworksTransfer,
  broadworksConference,
  broadworksAnnouncements,
];
