/** What a message carries besides the headers that every message has. */
export interface SippContent {
  readonly headers?: Readonly<Record<string, string>>;
  readonly sdp?: string;
  /** A body that is not SDP. */
  readonly body?: { readonly type: string; readonly text: string };
}

/** What a received message must look like; a call that gets anything else fails. Values are POSIX regexps. */
export interface SippChecks {
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
  readonly bodyWithout?: string;
  readonly isOptional?: boolean;
}

export interface SdpOptions {
  readonly direction?: 'sendrecv' | 'sendonly' | 'recvonly' | 'inactive';
  /** Default: SIPp's own address. */
  readonly address?: string;
  /** Payload types with their names; default PCMU. */
  readonly formats?: readonly (readonly [payloadType: number, rtpmap: string])[];
}

const PCMU = [0, 'PCMU/8000'] as const;

/** SDP with one audio stream on SIPp's RTP port. Each that a script sends has a higher version than the last. */
export function audioSdp(options: SdpOptions = {}): string {
  const { direction, address = '[media_ip]', formats = [PCMU] } = options;
  return [
    'v=0',
    'o=sipp 53655765 {version} IN IP4 [local_ip]',
    's=-',
    `c=IN IP4 ${address}`,
    't=0 0',
    `m=audio [rtpstream_audio_port] RTP/AVP ${formats.map(([type]) => type).join(' ')}`,
    ...formats.map(([type, rtpmap]) => `a=rtpmap:${type} ${rtpmap}`),
    'a=ptime:20',
    ...(direction === undefined ? [] : [`a=${direction}`]),
  ].join('\n');
}

/**
 * A SIPp scenario of one call, written step by step as one side of its ladder diagram. Headers that make a
 * dialog (tags, CSeq, Via, Contact) are filled in. It is SIPp that plays it: nothing here looks at the gateway.
 */
export class SippScript {
  readonly #side: 'caller' | 'callee';
  readonly #contactParameters: string;
  readonly #steps: string[] = [];
  #cseq = 0;
  #sdpVersion = 0;
  #lastSent = '';
  #isInDialog = false;
  #lastResponded = 0;
  #isConfirmed = false;

  /** Use {@link caller} or {@link callee}. */
  constructor(side: 'caller' | 'callee', contactParameters: string) {
    this.#side = side;
    this.#contactParameters = contactParameters;
  }

  get xml(): string {
    const steps = this.#steps.join('\n');
    // SIPp wants every variable to be used; some of ours are only there to be checked, or just in case.
    const variables = new Set([...steps.matchAll(/assign_to="(\w+)"/g)].map(([, name]) => name));
    return [
      '<?xml version="1.0" encoding="UTF-8"?>',
      `<scenario name="${this.#side}">`,
      steps,
      ...(variables.size === 0 ? [] : [`<Reference variables="${[...variables].join(',')}"/>`]),
      '</scenario>',
    ].join('\n');
  }

  // -- sending ---------------------------------------------------------------------------------------

  /** A new request: the first of the call, or one within its dialog. */
  request(method: string, content: SippContent = {}): this {
    this.#cseq++;
    this.#lastSent = method;
    return this.#send(
      [
        `${method} ${this.#isInDialog ? '[next_url]' : 'sip:[service]@[remote_target]'} SIP/2.0`,
        'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]',
        ...this.#parties(),
        'Call-ID: [call_id]',
        `CSeq: ${this.#cseq} ${method}`,
        this.#contact(),
        'Max-Forwards: 70',
      ],
      content,
    );
  }

  /** The ACK to the 200 just received (RFC 3261 §13.2.2.4). */
  ack(content: SippContent = {}): this {
    return this.#send(
      [
        'ACK [next_url] SIP/2.0',
        'Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]',
        ...this.#parties(),
        'Call-ID: [call_id]',
        `CSeq: ${this.#cseq} ACK`,
        'Max-Forwards: 70',
      ],
      content,
      false,
    );
  }

  /** The ACK to the failure just received: of the INVITE's own transaction (RFC 3261 §17.1.1.3). */
  ackFailure(): this {
    return this.#sameTransaction('ACK', '[last_To:]');
  }

  /** Gives up an INVITE whose provisional response has just been received (RFC 3261 §9.1). */
  cancel(headers: Readonly<Record<string, string>> = {}): this {
    return this.#sameTransaction('CANCEL', 'To: <sip:[service]@[remote_target]>', headers);
  }

  /** A response to the request just received. */
  respond(status: number, content: SippContent = {}): this {
    const names = ['Via', 'From', 'To', 'Call-ID', 'CSeq'];
    return this.#respond(
      status,
      names.map(name => `[last_${name}:]`),
      content,
    );
  }

  /** A response to the last INVITE, when another request has come since. */
  respondToInvite(status: number, content: SippContent = {}): this {
    return this.#respond(
      status,
      [...INVITE_HEADERS.map(name => `${name}:[$invite${name}]`), 'Call-ID: [call_id]'],
      content,
    );
  }

  // -- receiving -------------------------------------------------------------------------------------

  expectStatus(status: number, checks: SippChecks = {}): this {
    if (this.#lastSent === 'INVITE' && status !== 100) {
      this.#steps.push('<recv response="100" optional="true"/>');
    }
    const isDialogMade = status >= 200 && status < 300 && !this.#isInDialog;
    this.#receive(`response="${status}"`, checks, isDialogMade ? capture('To:', 'peer') : '');
    this.#isInDialog ||= isDialogMade;
    return this;
  }

  expectRequest(method: string, checks: SippChecks = {}): this {
    const isFirst = this.#side === 'callee' && !this.#isInDialog;
    // The ACK of a refusal confirms no dialog: the caller may come again (RFC 3261 §17.1.1.3).
    this.#isConfirmed ||= method === 'ACK' && this.#lastResponded < 300;
    this.#receive(
      `request="${method}"`,
      checks,
      [
        isFirst ? capture('From:', 'peer') + capture('To:', 'own') : '',
        ...(method === 'INVITE'
          ? INVITE_HEADERS.map(name => capture(`${name}:`, `invite${name}`))
          : []),
      ].join(''),
    );
    this.#isInDialog ||= isFirst;
    return this;
  }

  // -- everything else -------------------------------------------------------------------------------

  pause(ms: number): this {
    this.#steps.push(`<pause milliseconds="${ms}"/>`);
    return this;
  }

  /** Plays `tone.ulaw` of the working folder until {@link pauseTone}. */
  playTone(): this {
    return this.#exec('tone.ulaw,-1,0,PCMU/8000');
  }

  pauseTone(): this {
    return this.#exec('pause');
  }

  resumeTone(): this {
    return this.#exec('resume');
  }

  /** The other side hangs up. */
  expectBye(checks: SippChecks = {}): this {
    return this.expectRequest('BYE', checks).respond(200);
  }

  bye(headers: Readonly<Record<string, string>> = {}): this {
    return this.request('BYE', { headers }).expectStatus(200);
  }

  #exec(rtpStream: string): this {
    this.#steps.push(`<nop><action><exec rtp_stream="${rtpStream}"/></action></nop>`);
    return this;
  }

  #parties(): string[] {
    if (this.#side === 'callee') {
      return [`From:[$own];tag=${ownTag('callee')}`, 'To:[$peer]'];
    }
    const to = this.#isInDialog ? 'To:[$peer]' : 'To: <sip:[service]@[remote_target]>';
    return [`From: ${CALLER};tag=${ownTag('caller')}`, to];
  }

  #contact(): string {
    const user = this.#side === 'caller' ? '1001@' : '';
    const uri = `sip:${user}[local_ip]:[local_port];transport=[transport]`;
    return `Contact: <${uri}>${this.#contactParameters}`;
  }

  #sameTransaction(
    method: string,
    to: string,
    headers: Readonly<Record<string, string>> = {},
  ): this {
    const target = this.#isInDialog ? '[next_url]' : 'sip:[service]@[remote_target]';
    return this.#send(
      [
        `${method} ${target} SIP/2.0`,
        '[last_Via:]',
        // [last_From:] would be the other side's as soon as a request has come in between.
        this.#side === 'caller'
          ? `From: ${CALLER};tag=${ownTag('caller')}`
          : `From:[$own];tag=${ownTag('callee')}`,
        to,
        'Call-ID: [call_id]',
        `CSeq: ${this.#cseq} ${method}`,
        'Max-Forwards: 70',
      ],
      { headers },
      false,
    );
  }

  #respond(status: number, copied: readonly string[], content: SippContent): this {
    const isTagOwed = this.#side === 'callee' && !this.#isConfirmed;
    this.#lastResponded = status;
    return this.#send(
      [
        `SIP/2.0 ${status} ${REASONS[status] ?? 'Test'}`,
        ...copied.map(header =>
          isTagOwed && /^(To:|\[last_To)/.test(header)
            ? `${header};tag=${ownTag('callee')}`
            : header,
        ),
        ...(status >= 300 ? [] : [this.#contact()]),
      ],
      content,
      // SIPp repeats it until the ACK; nothing acknowledges the response to a BYE or CANCEL.
      status >= 200 && content.sdp !== undefined,
    );
  }

  #send(start: readonly string[], content: SippContent, isRepeated = true): this {
    const { headers = {}, sdp, body } = content;
    const type = sdp === undefined ? body?.type : 'application/sdp';
    const text = sdp?.replace('{version}', () => String(++this.#sdpVersion)) ?? body?.text ?? '';
    const lines = [
      ...start,
      ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
      ...(type === undefined ? [] : [`Content-Type: ${type}`]),
      'Content-Length: [len]',
      '',
      text,
    ];
    this.#steps.push(
      `<send${isRepeated ? ' retrans="500"' : ''}><![CDATA[\n${lines.join('\n')}\n]]></send>`,
    );
    return this;
  }

  #receive(what: string, checks: SippChecks, captures: string): void {
    const tests = [
      ...Object.entries(checks.headers ?? {}).map(([name, regexp]) =>
        ereg(regexp, `search_in="hdr" header="${name}:" check_it="true"`),
      ),
      ...(checks.body === undefined ? [] : [ereg(checks.body, 'search_in="body" check_it="true"')]),
      ...(checks.bodyWithout === undefined
        ? []
        : [ereg(checks.bodyWithout, 'search_in="body" check_it_inverse="true"')]),
    ].join('');
    const isRouteKept = captures.includes('"peer"');
    this.#steps.push(
      `<recv ${what}${checks.isOptional === true ? ' optional="true"' : ''}` +
        `${isRouteKept ? ' rrs="true"' : ''}><action>${captures}${tests}` +
        '</action></recv>',
    );
  }
}

/** The side that sends the first request, to `[service]`. */
export function caller(): SippScript {
  return new SippScript('caller', '');
}

/** The side that receives the first request. @param contactParameters e.g. `;+sip.srs` */
export function callee(contactParameters = ''): SippScript {
  return new SippScript('callee', contactParameters);
}

const CALLER = '"SIPp caller" <sip:1001@[local_ip]:[local_port]>';

const INVITE_HEADERS = ['Via', 'From', 'To', 'CSeq'];

const REASONS: Readonly<Record<number, string>> = {
  100: 'Trying',
  180: 'Ringing',
  181: 'Call Is Being Forwarded',
  182: 'Queued',
  183: 'Session Progress',
  200: 'OK',
  202: 'Accepted',
  302: 'Moved Temporarily',
  401: 'Unauthorized',
  407: 'Proxy Authentication Required',
  486: 'Busy Here',
  487: 'Request Terminated',
  488: 'Not Acceptable Here',
  491: 'Request Pending',
  503: 'Service Unavailable',
  603: 'Decline',
};

function ownTag(side: string): string {
  return `${side}[pid]-[call_number]`;
}

function ereg(regexp: string, options: string): string {
  const quoted = regexp.replaceAll('&', '&amp;').replaceAll('"', '&quot;').replaceAll('<', '&lt;');
  return `<ereg regexp="${quoted}" ${options} assign_to="check"/>`;
}

function capture(header: string, variable: string): string {
  return `<ereg regexp=".*" search_in="hdr" header="${header}" check_it="true" assign_to="${variable}"/>`;
}
