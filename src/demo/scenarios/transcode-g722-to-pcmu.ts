import { liveCallIsWhole, nothingLeftOpen, sessionIsWhole, sessionOf } from '../proof/call-proof';
import { recordingsAre, verdictIs } from '../proof/wire';
import { check, checkEqual, type Scenario } from '../scenario';
import { ALICE, BOB } from '../stage/places';

export const transcodeG722ToPcmu: Scenario = {
  name: 'transcode-g722-to-pcmu',
  title: 'A call in G.722 for a recorder that takes PCMU',
  shows:
    'the parties speak G.722 with one another, the recorder is offered and gets PCMU, and hears both of them',
  phones: [
    { party: ALICE, options: { codecs: ['G722'] } },
    { party: BOB, options: { codecs: ['G722'] } },
  ],
  config: () => ({ providers: { lab: { media: { codecs: ['PCMU'] } } } }),
  async play(stage) {
    const call = await stage.call(ALICE, BOB);
    await stage.until(5000);
    const endMs = await stage.hangUp(call);
    const evidence = await stage.evidence();
    const session = sessionOf(evidence);
    const offered = [
      ...(session.messages[0]?.text ?? '').matchAll(/^a=rtpmap:\d+ ([\w-]+)\/\d+/gm),
    ].map(([, encoding]) => encoding?.toUpperCase() ?? '');
    const speech = [...new Set(offered)].filter(each => each !== 'TELEPHONE-EVENT');
    const [line] = evidence.ledger;
    const live = [call.caller, call.callee].flatMap(({ remoteSdp }) =>
      (remoteSdp?.media[0]?.formats ?? []).map(({ encoding }) => encoding.toUpperCase()),
    );
    return [
      checkEqual('speech codecs offered to the recorder', 'PCMU', speech.join(', ')),
      check(
        'codec of the call',
        live.includes('G722') && !live.includes('PCMU') && !live.includes('PCMA'),
        'G722, no G.711',
        [...new Set(live)].join(', '),
      ),
      checkEqual(
        'ledger: codec of the streams',
        'PCMU/8000, PCMU/8000',
        line?.streams.map(({ codec }) => codec).join(', '),
      ),
      check(
        'ledger: transcoding',
        (line?.remarks ?? []).filter(remark => remark.includes('transcoded')).length === 2,
        'told for both streams',
        line?.remarks.join('; ') ?? 'no record',
      ),
      ...liveCallIsWhole(stage, call, endMs),
      ...sessionIsWhole(stage, call, session, endMs),
      recordingsAre(evidence, 1),
      verdictIs(evidence, 'recorded', ['complete']),
      nothingLeftOpen(evidence),
    ];
  },
};
