import {
  nextRecordingSessionState,
  RECORDING_SESSION_EVENTS,
  RECORDING_SESSION_STATES,
  type RecordingSessionState,
} from '../../../../src/session/recording-session/recording-session-state';

// Rows: states; columns in the order of RECORDING_SESSION_EVENTS; `.` is "ignored".
// prettier-ignore
const EXPECTED: Readonly<Record<RecordingSessionState, string>> = {
  //            start    accepted    exhausted retry    changeBegan changeEnded dialogLost stop   closed
  idle: '       inviting .           .         .        .           .           .          ended  .',
  inviting: '   .        established failed    .        .           .           .          .      .',
  established: '.        .           .         .        updating    .           lost       ending .',
  updating: '   .        .           .         .        .           established lost       ending .',
  lost: '       .        .           .         inviting .           .           .          ended  .',
  ending: '     .        .           .         .        .           .           ended      .      ended',
  ended: '      .        .           .         .        .           .           .          .      .',
  failed: '     .        .           .         inviting .           .           .          .      .',
};

const MATRIX = RECORDING_SESSION_STATES.flatMap(state => {
  const cells = EXPECTED[state].trim().split(/\s+/);
  return RECORDING_SESSION_EVENTS.map((event, index) => ({ state, event, cell: cells[index] }));
});

describe('nextRecordingSessionState', () => {
  test.each(MATRIX)('$event while $state: $cell', ({ state, event, cell }) => {
    expect(nextRecordingSessionState(state, event)).toBe(cell === '.' ? state : cell);
  });
});
