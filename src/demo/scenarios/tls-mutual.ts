import { connect, type ConnectionOptions, type TLSSocket } from 'node:tls';

import { liveCallIsWhole, nothingLeftOpen, sessionIsWhole, sessionOf } from '../proof/call-proof';
import { attemptsWere } from '../proof/failover-proof';
import { recordingsAre, verdictIs } from '../proof/wire';
import { check, checkEqual, type Scenario } from '../scenario';
import { ALICE, BOB, HOST } from '../stage/places';
import { type StagePki } from '../stage/stage-pki';
import { type SrsSpec } from '../stage/stage-srs';

/** Whom the gateway and the right recorder trust, and somebody else. */
const OURS = 'ours';
const FOREIGN = 'foreign';
const UNREACHABLE = 'REC_ERR_SIP_SRS_UNREACHABLE';

export const tlsMutual: Scenario = {
  name: 'tls-mutual',
  title: 'Mutual TLS toward the recorder',
  shows:
    'gateway and recorder prove themselves by certificates; a recorder with a certificate of a foreign CA gets nothing, ' +
    'one that trusts only a foreign CA refuses the gateway, and the call is recorded by the right one',
  srs: pki => [
    recorder(pki, 'impostor', { own: FOREIGN, trusts: OURS }),
    recorder(pki, 'stranger', { own: OURS, trusts: FOREIGN }),
    recorder(pki, 'srs', { own: OURS, trusts: OURS }),
  ],
  config: ({ pki }) => {
    const gateway = pki.issued(OURS, 'gateway');
    const files = { cert: gateway.certPath, key: gateway.keyPath };
    return {
      sip: {
        listeners: [
          { transport: 'udp', host: HOST, port: 0 },
          { transport: 'tls', host: HOST, port: 0, tls: files },
        ],
      },
      providers: { lab: { tls: { ...files, ca: pki.caPath(OURS), minVersion: 'TLSv1.3' } } },
    };
  },
  async play(stage) {
    const call = await stage.call(ALICE, BOB);
    await stage.until(4000);
    const srsPort = Number(/:(\d+);/.exec(stage.srs('srs').uri)?.[1]);
    const ca = stage.pki.ca(OURS);
    const withoutCertificate = await isTaken({ host: HOST, port: srsPort, ca });
    const { cert, key } = stage.pki.issued(OURS, 'somebody');
    const withCertificate = await isTaken({ host: HOST, port: srsPort, ca, cert, key });
    const endMs = await stage.hangUp(call);
    const evidence = await stage.evidence();
    const session = sessionOf(evidence);
    const vias = session.messages.map(({ text }) => /^Via: *SIP\/2\.0\/(\w+)/im.exec(text)?.[1]);
    const received = ['impostor', 'stranger'].map(name => evidence.sipReceived[name] ?? 0);
    return [
      checkEqual('who records', 'srs', session.srs),
      attemptsWere(evidence, [UNREACHABLE, UNREACHABLE, 'established']),
      checkEqual('SIP messages that the impostor got', 0, received[0]),
      checkEqual('SIP messages that the stranger took', 0, received[1]),
      check(
        'every message to the recorder came over TLS',
        vias.length > 0 && vias.every(via => via === undefined || via.toUpperCase() === 'TLS'),
        'TLS',
        [...new Set(vias)].join(', '),
      ),
      checkEqual('a client without a certificate', 'refused', withoutCertificate),
      checkEqual('a client with one', 'taken', withCertificate),
      ...liveCallIsWhole(stage, call, endMs),
      ...sessionIsWhole(stage, call, session, endMs),
      recordingsAre(evidence, 1),
      verdictIs(evidence, 'recorded', ['complete']),
      nothingLeftOpen(evidence),
    ];
  },
};

function recorder(
  pki: StagePki,
  name: string,
  { own, trusts }: { readonly own: string; readonly trusts: string },
): SrsSpec {
  const { cert, key } = pki.issued(own, name);
  return {
    name,
    transport: 'tls',
    options: { listenerTls: { cert, key, ca: pki.ca(trusts), requestClientCert: 'require' } },
  };
}

/** A ping by CRLF (RFC 5626 §4.4.1): in TLS 1.3 a client learns only then that its certificate was refused. */
function isTaken(to: ConnectionOptions): Promise<'taken' | 'refused'> {
  return new Promise(resolve => {
    const socket: TLSSocket = connect(to, () => socket.write('\r\n\r\n'));
    const settle = (outcome: 'taken' | 'refused'): void => {
      socket.destroy();
      resolve(outcome);
    };
    socket.setTimeout(3000, () => settle('refused'));
    socket.once('data', () => settle('taken'));
    socket.once('error', () => settle('refused'));
    socket.once('close', () => settle('refused'));
  });
}
