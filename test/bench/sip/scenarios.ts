/**
 * SIPp scenarios of the benchmarks: a call that is answered at once, held for the time of `-d`, hung up by the caller.
 * With media both parties speak all the time, or as long as `talkMs` says at the beginning.
 */

const HEADERS = `      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: <sip:1001@[local_ip]:[local_port]>;tag=[pid]t[call_number]`;

function sdp(who: string, hasMedia: boolean): string {
  const port = hasMedia ? '[rtpstream_audio_port]' : '[media_port]';
  return `      Content-Type: application/sdp
      Content-Length: [len]

      v=0
      o=${who} 1 1 IN IP4 [local_ip]
      s=-
      c=IN IP4 [media_ip]
      t=0 0
      m=audio ${port} RTP/AVP 0
      a=rtpmap:0 PCMU/8000
      a=ptime:20`;
}

const PLAY = '<nop><action><exec rtp_stream="tone.ulaw,-1,0,PCMU/8000"/></action></nop>';
const PAUSE = '<nop><action><exec rtp_stream="pause"/></action></nop>';

function briefly(talkMs: number | undefined): string {
  return talkMs === undefined ? '' : `<pause milliseconds="${talkMs}"/>${PAUSE}`;
}

export function callerScenario(hasMedia: boolean, talkMs?: number): string {
  return `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="caller">
  <send retrans="500" start_rtd="1"><![CDATA[
      INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
${HEADERS}
      To: <sip:[service]@[remote_ip]:[remote_port]>
      Call-ID: [call_id]
      CSeq: 1 INVITE
      Contact: <sip:1001@[local_ip]:[local_port]>
      Max-Forwards: 70
${sdp('caller', hasMedia)}
  ]]></send>
  <recv response="100" optional="true"/>
  <recv response="180" optional="true"/>
  <recv response="200" rtd="1" rrs="true"/>
  <send><![CDATA[
      ACK [next_url] SIP/2.0
${HEADERS}
      To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
      Call-ID: [call_id]
      CSeq: 1 ACK
      Max-Forwards: 70
      Content-Length: 0

  ]]></send>
  ${hasMedia ? PLAY : ''}${briefly(talkMs)}
  <pause/>
  ${hasMedia ? PAUSE : ''}
  <send retrans="500"><![CDATA[
      BYE [next_url] SIP/2.0
${HEADERS}
      To: <sip:[service]@[remote_ip]:[remote_port]>[peer_tag_param]
      Call-ID: [call_id]
      CSeq: 2 BYE
      Max-Forwards: 70
      Content-Length: 0

  ]]></send>
  <recv response="200"/>
</scenario>
`;
}

export function calleeScenario(hasMedia: boolean, talkMs?: number): string {
  const copied = `      [last_Via:]
      [last_From:]
      [last_To:]`;
  return `<?xml version="1.0" encoding="UTF-8"?>
<scenario name="callee">
  <recv request="INVITE" rrs="true"/>
  <send retrans="500"><![CDATA[
      SIP/2.0 200 OK
${copied};tag=[pid]t[call_number]
      [last_Call-ID:]
      [last_CSeq:]
      Contact: <sip:[local_ip]:[local_port]>
${sdp('callee', hasMedia)}
  ]]></send>
  <recv request="ACK"/>
  ${hasMedia ? PLAY : ''}${briefly(talkMs)}
  <recv request="BYE"/>
  ${hasMedia ? PAUSE : ''}
  <send><![CDATA[
      SIP/2.0 200 OK
${copied}
      [last_Call-ID:]
      [last_CSeq:]
      Content-Length: 0

  ]]></send>
</scenario>
`;
}
