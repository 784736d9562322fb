import { HeaderList } from '#sip/engine';
import { type PhoneCall } from '../lab';
import { type Flow } from './flow';
import { type AnsweredCall, type FlowBench, type FlowSetup } from './flow-bench';

const BASIC: FlowSetup = { phones: ['alice', 'bob'], recorders: ['SRS'], recorded: 'alice' };
const TWO_RECORDERS: FlowSetup = { ...BASIC, recorders: ['SRS', 'SRS2'] };
/** Bob is recorded, so that the recording stays with him when Alice transfers him. */
const TRANSFER: FlowSetup = { ...BASIC, phones: ['alice', 'bob', 'carol'], recorded: 'bob' };

/** Every flow of docs/call-flows.md, in its order. */
export const FLOWS: readonly Flow[] = [
  {
    title: 'Recorded call',
    about:
      'Alice is recorded. The recorder is invited the moment that Bob answers, beside the call; both streams go there as two ' +
      '`sendonly` streams, and a complete document tells who is on which. The call never waits for it.',
    setup: BASIC,
    run: async bench => {
      const call = await bench.call('alice', 'bob');
      await bench.recording();
      await bench.note('both talk, the SRS gets a copy of each direction');
      await hangUp(bench, call);
    },
  },
  {
    title: 'The SRS answers late',
    about:
      'The recorder takes its time. The call is up all the while; what is said is kept in the ring and sent first, with its true timestamps.',
    setup: { ...BASIC, behaviour: { answerDelayMs: 700 } },
    run: async bench => {
      const call = await bench.call('alice', 'bob');
      await bench.note('both talk, nobody records yet, the ring keeps it');
      await bench.recording();
      await bench.note('the SRS gets everything since the answer');
      await hangUp(bench, call);
    },
  },
  {
    title: 'The SRS refuses and the next one takes over',
    about: 'The first target answers 503; the second one gets the same recording at once.',
    setup: { ...TWO_RECORDERS, behaviour: { refuseStatus: 503 } },
    run: async bench => {
      const call = await bench.call('alice', 'bob');
      await bench.recording('SRS2');
      await hangUp(bench, call);
    },
  },
  {
    title: 'Pause and resume by INFO',
    about:
      'The recorded party asks with `Record: pause`. The copy stops at once; then the recorder is told, in SDP (`inactive`) and in ' +
      'the metadata. The INFO is answered by the gateway and never reaches the other party.',
    setup: { ...BASIC, mode: 'always-with-pause-resume' },
    run: async bench => {
      const call = await bench.call('alice', 'bob');
      await bench.recording();
      await bench.note('alice presses pause');
      await call.outgoing.sendInfo({ headers: { Record: 'pause' } });
      await bench.note('nothing is copied, alice presses resume');
      await call.outgoing.sendInfo({ headers: { Record: 'resume' } });
      await bench.note('the copy goes on');
      await hangUp(bench, call);
    },
  },
  {
    title: 'Hold and resume',
    about:
      'Bob puts Alice on hold. The re-INVITE passes; the recorder is told who still sends, and told again afterwards.',
    setup: BASIC,
    run: async bench => {
      const call = await bench.call('alice', 'bob');
      await bench.recording();
      await bench.note('bob puts alice on hold');
      await call.incoming.hold();
      await bench.note('bob takes her back');
      await call.incoming.resume();
      await hangUp(bench, call);
    },
  },
  {
    title: 'Blind transfer, passed',
    about:
      '`sip.refer: pass`: the REFER goes to Bob, whose phone carries it out. His call to Carol is a new call with a recording of its own.',
    setup: TRANSFER,
    run: async bench => {
      const call = await bench.call('alice', 'bob');
      await bench.recording();
      await bench.note('alice transfers bob to carol');
      call.incoming.hook = ({ method }) => (method === 'REFER' ? { status: 202 } : null);
      await refer(call.outgoing, bench.uri('carol'));
      await notify(call.incoming, 'active', '100 Trying');
      const next = await bench.call('bob', 'carol');
      await notify(call.incoming, 'terminated;reason=noresource', '200 OK');
      await call.outgoing.hangUp();
      await call.incoming.waitFor('ended');
      await bench.recording();
      await bench.note('bob and carol talk');
      await hangUp(bench, next);
    },
  },
  {
    title: 'Blind transfer, performed by the gateway',
    about:
      '`sip.refer: perform`: the gateway invites Carol itself and joins her with Bob. His recording goes on in the same session, with a ' +
      'new participant.',
    setup: { ...TRANSFER, refer: 'perform' },
    run: async bench => {
      const call = await bench.call('alice', 'bob');
      const recording = await bench.recording();
      await bench.note('alice transfers bob to carol');
      const carols = nextCall(bench);
      const documents = recording.documents;
      await refer(call.outgoing, bench.uri('carol'));
      const incoming = await carols;
      await incoming.waitFor('answered');
      await call.outgoing.waitFor('ended');
      await recording.until(() => recording.documents > documents);
      await bench.note('bob and carol talk');
      await hangUp(bench, { outgoing: call.incoming, incoming });
    },
  },
  {
    title: 'Attended transfer, performed by the gateway',
    about:
      'Alice consults Carol in a second call, then sends a REFER with Replaces. The gateway invites Carol in place of that second ' +
      'call, whose dialog it names as Carol knows it.',
    setup: { ...TRANSFER, refer: 'perform' },
    run: async bench => {
      const call = await bench.call('alice', 'bob');
      const recording = await bench.recording();
      await bench.note('alice consults carol');
      const second = await bench.call('alice', 'carol');
      await bench.note('alice transfers bob to carol');
      const carols = nextCall(bench);
      const documents = recording.documents;
      const replaced = encodeURIComponent(second.outgoing.replaces);
      await refer(call.outgoing, `${bench.uri('carol')}?Replaces=${replaced}`);
      const incoming = await carols;
      await incoming.waitFor('answered');
      await call.outgoing.waitFor('ended');
      await bench.note('carol ends the call that was replaced');
      await second.incoming.hangUp();
      await second.outgoing.waitFor('ended');
      await recording.until(() => recording.documents > documents);
      await bench.note('bob and carol talk');
      await hangUp(bench, { outgoing: call.incoming, incoming });
    },
  },
  {
    title: 'BroadWorks dialect: pause, resume, blind transfer',
    about:
      'The recorder belongs to a provider with the BroadWorks dialect (here `profile: dubber`). Pause and resume are SDP alone, the ' +
      'event follows in a complete document. A transfer is SDP alone, then everything with new ids ([dialect](broadworks-dialect.md)).',
    setup: {
      ...TRANSFER,
      refer: 'perform',
      mode: 'always-with-pause-resume',
      profile: 'dubber',
    },
    run: async bench => {
      const call = await bench.call('alice', 'bob');
      const recording = await bench.recording();
      await bench.note('bob, who is recorded, presses pause');
      await call.incoming.sendInfo({ headers: { Record: 'pause' } });
      await recording.until(() => recording.documents === 2);
      await bench.note('nothing is copied, bob presses resume');
      await call.incoming.sendInfo({ headers: { Record: 'resume' } });
      await recording.until(() => recording.documents === 3);
      await bench.note('alice transfers bob to carol');
      const carols = nextCall(bench);
      await refer(call.outgoing, bench.uri('carol'));
      const incoming = await carols;
      await incoming.waitFor('answered');
      await call.outgoing.waitFor('ended');
      await recording.until(() => recording.documents === 4);
      await bench.note('bob and carol talk');
      await hangUp(bench, { outgoing: call.incoming, incoming });
    },
  },
  {
    title: 'On-demand start and stop',
    about:
      'Nothing is recorded until Alice asks for it. Each start makes a recording session, each stop ends it.',
    setup: { ...BASIC, mode: 'on-demand' },
    run: async bench => {
      const call = await bench.call('alice', 'bob');
      await bench.note('alice presses record');
      await call.outgoing.sendInfo({ headers: { Record: 'on' } });
      const recording = await bench.recording();
      await bench.note('alice presses stop');
      await call.outgoing.sendInfo({ headers: { Record: 'off' } });
      await recording.until(() => recording.state === 'ended');
      await bench.note('the call goes on unrecorded');
      await hangUp(bench, call);
    },
  },
  {
    title: 'The SRS ends the session in mid-call',
    about:
      'The next recorder gets a complete document with the same session and participants, and the audio from shortly before the loss.',
    setup: TWO_RECORDERS,
    run: async bench => {
      const call = await bench.call('alice', 'bob');
      const recording = await bench.recording();
      await bench.note('the SRS gives up');
      await recording.bye();
      await bench.recording('SRS2');
      await bench.note('nothing of the call is missing in the two recordings together');
      await hangUp(bench, call);
    },
  },
  {
    title: 'Compulsory recording',
    about:
      '`failureBehaviour: compulsory`: the recording session stands, inactive, before Bob is invited. Without a recorder the caller would ' +
      'get 503 and Bob would never ring.',
    setup: { ...BASIC, failureBehaviour: 'compulsory' },
    run: async bench => {
      const call = await bench.call('alice', 'bob');
      await bench.recording();
      await bench.note('both talk, the SRS gets a copy of each direction');
      await hangUp(bench, call);
    },
  },
  {
    title: 'Compulsory recording without a recorder',
    about: 'The only recorder refuses: the call never begins.',
    setup: { ...BASIC, failureBehaviour: 'compulsory', behaviour: { refuseStatus: 503 } },
    run: async bench => {
      const call = await bench.phone('alice').call(bench.uri('bob'));
      await call.waitFor('ended');
    },
  },
  {
    title: 'CANCEL',
    about: 'The caller gives up while it rings. No recorder hears of it.',
    setup: BASIC,
    run: async bench => {
      bench.phone('bob').onIncoming(waiting => waiting.ring());
      const outgoing = await bench.phone('alice').call(bench.uri('bob'));
      await outgoing.waitFor('ringing');
      await bench.note('alice gives up');
      await outgoing.hangUp();
    },
  },
  {
    title: 'The SRS asks for a snapshot',
    about:
      'RFC 7866 §9.1: the recorder has lost its place and asks in an UPDATE; a complete document follows at once.',
    setup: BASIC,
    run: async bench => {
      const call = await bench.call('alice', 'bob');
      const recording = await bench.recording();
      const documents = recording.documents;
      await bench.note('the SRS wants to know everything again');
      await recording.requestSnapshot();
      await recording.until(() => recording.documents > documents);
      await hangUp(bench, call);
    },
  },
];

async function hangUp(bench: FlowBench, { outgoing, incoming }: AnsweredCall): Promise<void> {
  await bench.note('hang-up');
  await outgoing.hangUp();
  await incoming.waitFor('ended');
}

/** Carol's next call, which she answers at once. */
function nextCall(bench: FlowBench): Promise<PhoneCall> {
  return new Promise(resolve => {
    bench.phone('carol').onIncoming(waiting => {
      resolve(waiting.call);
      waiting.answer();
    });
  });
}

async function refer(call: PhoneCall, target: string): Promise<void> {
  await call.request('REFER', { headers: HeaderList.of(['Refer-To', `<${target}>`]) });
}

async function notify(call: PhoneCall, state: string, fragment: string): Promise<void> {
  const refers = call.requests.filter(({ method }) => method === 'REFER');
  const number = refers.at(-1)?.headers.get('cseq')?.split(' ')[0] ?? '';
  await call.request('NOTIFY', {
    headers: HeaderList.of(
      ['Event', `refer;id=${number}`],
      ['Subscription-State', state],
      ['Content-Type', 'message/sipfrag;version=2.0'],
    ),
    body: `SIP/2.0 ${fragment}\r\n`,
  });
}
