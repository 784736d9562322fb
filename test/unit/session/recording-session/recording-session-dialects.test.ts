import { PCMU } from '#core';
import {
  type Bench,
  dataMode,
  establishedBench,
  FORMATS,
  settled,
  T0,
} from './recording-session-bench';

const BROADWORKS = { dialect: { name: 'broadworks' } } as const;

/** Accepts the n-th update; waits for what follows. */
async function accept({ invite }: Bench, index: number): Promise<void> {
  invite().pendingUpdates[index]?.resolve([]);
  await settled();
}

function directions(made: Bench, index: number): readonly string[] {
  return made.invite().updates[index]?.streams?.map(({ direction }) => direction) ?? [];
}

describe('a recording session in the BroadWorks dialect', () => {
  test('pauses with SDP alone; who paused it follows in a complete document without SDP', async () => {
    const made = await establishedBench(BROADWORKS);
    made.metadata.recordingEvent({ kind: 'pause', atMs: T0, by: 'user' });
    made.session.setDesired('paused', FORMATS);
    await accept(made, 0);
    const { updates } = made.invite();
    expect(updates[0]).not.toHaveProperty('metadata');
    expect(directions(made, 0)).toEqual(['inactive', 'inactive']);
    expect(updates[1]).not.toHaveProperty('streams');
    expect(dataMode(updates[1]?.metadata)).toBe('complete');
    expect(updates[1]?.metadata).toContain('kind="pause"');
    await accept(made, 1);
    expect(updates).toHaveLength(2);
  });

  test('where events are not told, a pause is SDP alone', async () => {
    const made = await establishedBench({ dialect: { name: 'broadworks', reportsEvents: false } });
    made.metadata.recordingEvent({ kind: 'pause', atMs: T0, by: 'user' });
    made.session.setDesired('paused', FORMATS);
    await accept(made, 0);
    expect(made.invite().updates).toHaveLength(1);
    expect(made.session.state).toBe('established');
  });

  test('tells everything, with SDP, when the SDP of a pause was refused', async () => {
    const made = await establishedBench(BROADWORKS);
    made.metadata.recordingEvent({ kind: 'pause', atMs: T0, by: 'user' });
    made.session.setDesired('paused', FORMATS);
    made.invite().pendingUpdates[0]?.reject(new Error('488'));
    await settled();
    const { updates } = made.invite();
    expect(directions(made, 1)).toEqual(['inactive', 'inactive']);
    expect(dataMode(updates[1]?.metadata)).toBe('complete');
    made.invite().pendingUpdates[1]?.reject(new Error('488'));
    await settled();
    expect(updates).toHaveLength(2);
  });

  test('tells a blind transfer with SDP alone, then with everything in a re-INVITE', async () => {
    const made = await establishedBench(BROADWORKS);
    made.session.transferred();
    await accept(made, 0);
    await accept(made, 1);
    const { updates } = made.invite();
    expect(updates).toHaveLength(2);
    expect(updates[0]?.streams).toHaveLength(2);
    expect(updates[0]).not.toHaveProperty('metadata');
    expect(updates[1]?.streams).toHaveLength(2);
    expect(dataMode(updates[1]?.metadata)).toBe('complete');
  });

  test('a transfer while the SRS goes away is told to the next one with its INVITE', async () => {
    const made = await establishedBench(BROADWORKS);
    made.session.transferred();
    made.invite().events.ended({ cause: 'bye', reason: null });
    await settled();
    made.invite(1).accept();
    await settled();
    expect(dataMode(made.invite(1).invite.metadata)).toBe('complete');
    expect(made.invite(1).updates).toHaveLength(0);
  });

  test('tells a hold by the direction of the stream that is held', async () => {
    let heldIndex: number | null = null;
    const made = await establishedBench({ ...BROADWORKS, isHeld: index => index === heldIndex });
    heldIndex = 1;
    made.session.setFormats(FORMATS);
    made.session.setFormats(FORMATS);
    await accept(made, 0);
    expect(made.invite().updates).toHaveLength(1);
    expect(directions(made, 0)).toEqual(['sendonly', 'inactive']);
    heldIndex = null;
    made.session.setFormats(FORMATS);
    await accept(made, 1);
    expect(directions(made, 1)).toEqual(['sendonly', 'sendonly']);
    made.session.setFormats([[PCMU], [PCMU]]);
    await accept(made, 2);
    expect(made.invite().updates[2]).not.toHaveProperty('metadata');
  });

  test('tells the end in a complete document before a BYE without one', async () => {
    const made = await establishedBench({ ...BROADWORKS, metadataInBye: false });
    made.metadata.recordingEvent({ kind: 'stop', atMs: T0, by: 'user' });
    made.session.stop();
    await settled();
    const [update] = made.invite().updates;
    expect(update).not.toHaveProperty('streams');
    expect(update?.metadata).toContain('kind="stop"');
    expect(made.invite().byes).toEqual([]);
    await accept(made, 0);
    expect(made.invite().byes).toEqual([{}]);
  });

  test('does not wait long for a recorder that does not answer it', async () => {
    const made = await establishedBench({ ...BROADWORKS, metadataInBye: false });
    made.metadata.recordingEvent({ kind: 'stop', atMs: T0, by: 'user' });
    made.session.stop();
    await settled();
    made.clock.advance(2_000);
    await settled();
    expect(made.invite().byes).toEqual([{}]);
    expect(made.finished).toHaveLength(1);
  });

  test('ends with a BYE alone where events are not told', async () => {
    const made = await establishedBench({
      dialect: { name: 'broadworks', reportsEvents: false },
      metadataInBye: false,
    });
    made.metadata.end(T0, null);
    made.session.stop();
    await settled();
    expect(made.invite().updates).toHaveLength(0);
    expect(made.invite().byes).toEqual([{}]);
  });

  test('sends no document again that says nothing new', async () => {
    const made = await establishedBench({ dialect: { name: 'broadworks', reportsEvents: false } });
    made.metadata.recordingEvent({ kind: 'start', atMs: T0, by: 'user' });
    made.session.metadataChanged();
    await settled();
    expect(made.invite().updates).toHaveLength(0);
  });
});

describe('a recording session with RFC 7865 and complete documents', () => {
  test('sends changed facts with the SDP that defines their labels', async () => {
    const made = await establishedBench({ updates: 'complete' });
    made.metadata.setActivity('callee', { sends: false, receives: true }, T0);
    made.session.metadataChanged();
    await accept(made, 0);
    const [update] = made.invite().updates;
    expect(update?.streams).toHaveLength(2);
    expect(dataMode(update?.metadata)).toBe('complete');
  });
});
