import { HeaderList } from '#sip/engine';

import { type PhoneCall } from '../../lab';
import { check, type ScenarioCheck } from '../scenario';
import { type Span } from '../proof/ear';
import { type DemoParty } from './places';
import { type Stage } from './stage';

const ACTIONS = { start: 'on', stop: 'off', pause: 'pause', resume: 'resume' } as const;

/** A control as its sender saw it. */
export interface SentControl {
  readonly action: keyof typeof ACTIONS;
  readonly status: number;
  /** From the request to its answer: somewhere between it took effect. Times of the call, ms. */
  readonly span: Span;
  readonly check: ScenarioCheck;
}

/** Presses a record key of the phone: INFO with the header `Record`, in the dialog of its call. */
export async function pressRecordKey(
  stage: Stage,
  call: PhoneCall,
  action: keyof typeof ACTIONS,
  expectedStatus = 200,
): Promise<SentControl> {
  stage.tell(`the phone asks to ${action} the recording`);
  const sentMs = stage.nowMs();
  const { status } = await call.sendInfo({ headers: { Record: ACTIONS[action] } });
  const span: Span = [sentMs, stage.nowMs()];
  return {
    action,
    status,
    span,
    check: check(
      `the phone's "${action}" is answered`,
      status === expectedStatus,
      String(expectedStatus),
      status,
    ),
  };
}

/** A transfer as who asked for it saw it. */
export interface SentTransfer {
  /** From the REFER to its answer, ms of the call. */
  readonly span: Span;
  /** What it was told of the outcome so far: statuses of the NOTIFYs (RFC 3515 §2.4.5). */
  told(): readonly string[];
  readonly check: ScenarioCheck;
}

/** Transfers the other end of a call: REFER in its dialog (RFC 3515). */
export async function refer(stage: Stage, call: PhoneCall, to: DemoParty): Promise<SentTransfer> {
  stage.tell(`the phone transfers the other end to ${to.name}`);
  const sentMs = stage.nowMs();
  const headers = HeaderList.of(['Refer-To', `<${stage.uriOf(to.name)}>`]);
  const { status } = await call.request('REFER', { headers });
  return {
    span: [sentMs, stage.nowMs()],
    told: () =>
      call.requests
        .filter(({ method }) => method === 'NOTIFY')
        .map(({ body }) => /^SIP\/2\.0 (\d{3})/.exec(body.toString('utf8'))?.[1] ?? 'nothing'),
    check: check('the REFER is answered', status === 202, '202', status),
  };
}
