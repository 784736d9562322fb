/**
 * Every default of the configuration, with its unit and the reason for it. `docs/configuration.md` repeats
 * the values; a test compares.
 */
export const DEFAULTS = {
  sip: {
    /** No other process is needed. */
    engine: 'embedded',
    /** Loopback only: nobody but this machine reaches a gateway that was not configured. */
    listeners: [
      { transport: 'udp', host: '127.0.0.1', port: 5060 },
      { transport: 'tcp', host: '127.0.0.1', port: 5060 },
    ],
    /** Older ones are broken (RFC 8996). */
    tlsMinVersion: 'TLSv1.2',
    /** Phones have no certificates as a rule. */
    tlsRequestClientCert: 'never',
    /** Who does not check whom it talks to might as well not encrypt. */
    tlsVerify: true,
    /** RFC 5922 §7.2 forbids them: who holds one host of a domain would be every recorder in it. */
    tlsAllowWildcards: false,
    /** Those of the embedded engine; the reasons are in sip/engine/limits.ts, what they bound in docs/limits.md. */
    limits: {
      messageBytes: 65_535,
      headerCount: 200,
      headerLineBytes: 8192,
      uriBytes: 2048,
      bodyParts: 16,
      connections: 4000,
      connectionsPerSource: 1000,
      connectTimeoutMs: 10_000,
      handshakeTimeoutMs: 10_000,
      firstMessageTimeoutMs: 32_000,
      halfMessageTimeoutMs: 32_000,
      idleTimeoutMs: 3_600_000,
      peerBufferBytes: 4 * 1024 * 1024,
      transactions: 50_000,
      dialogs: 5000,
      ringingMs: 600_000,
      shedTransactions: 40_000,
      shedDelayMs: 500,
      appFrameBytes: 1024 * 1024,
      appAuthenticateMs: 5000,
      appBusyBytes: 4 * 1024 * 1024,
      appPauseBytes: 16 * 1024 * 1024,
      appBufferBytes: 64 * 1024 * 1024,
      appStallMs: 60_000,
    },
    /** Port of a drachtio-server's application interface. */
    drachtioPort: 9022,
    /** A peer that is missing among the trunks by mistake sees why; scanners see it, too. */
    unknownSources: 'reject',
    /** Some callers must not be sent where a callee points: following is a choice. */
    redirects: 'pass',
    /** Transfers are the switch's business unless the gateway is told otherwise. */
    refer: 'pass',
    /** Text messages went through before there was a gateway in the path. */
    messages: 'relay',
    /** What goes around us is not recorded, and its addresses are shown to the other side: passing is a choice. */
    otherMedia: 'refuse',
    /** Phones that offer SRTP get it. */
    srtpAccept: true,
    /** What every SRTP peer has (RFC 4568 §6.2), stronger ones first. */
    srtpSuites: ['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32'],
    /** A call that cannot be recorded is refused rather than silently let through. */
    srtpOnly: 'reject',
    /** ms. Long enough for four retransmissions over UDP (RFC 3261 §17.1.1.2), short enough for a caller. */
    answerTimeoutMs: 5000,
    /** s. What RFC 4028 §4 allows at least; smaller offers get 422. */
    minSessionExpiresS: 90,
    /** s. Value of Retry-After while draining: about the time of a restart. */
    drainRetryAfterS: 30,
    /** ms. Calls that outlive this after SIGTERM are ended, so that a restart ends in bounded time. */
    drainTimeoutMs: 300_000,
    /** Calls at once; more get 503. Four times what the default media ports can carry: ports run out first. */
    maxCalls: 10_000,
  },
  media: {
    /** The fastest packet I/O that works on this machine. */
    backend: 'auto',
    /** Threads. One carries several hundred calls; the other cores stay free for SIP and the switch. */
    workers: 1,
    /** UDP ports: 2500 recorded calls (four port pairs each), above the well-known SIP ports. */
    portMin: 20_000,
    portMax: 29_999,
    /** ms. Packets of an ended call still arrive for a moment; its ports rest until they have. */
    portQuarantineMs: 5000,
    /** DSCP 46: Expedited Forwarding, what voice uses (RFC 3246, RFC 4594 §4.1). */
    dscp: 46,
    /** s. A leg that should send and sends nothing for this long is reported; 0 switches it off. */
    mediaTimeoutS: 300,
    /** s of audio kept per recording stream until the SRS takes it: longer than a slow SRS's answer. */
    ringSeconds: 30,
    /** A call may become recorded later (transfer, on demand): its media is there already. */
    anchor: 'always',
    /** Loopback, as the listeners. */
    networks: { default: { bindHost: '127.0.0.1' } },
  },
  route: {
    /** Identity headers are private to a trust domain (RFC 3325 §4): it must be declared. */
    trusted: false,
    network: 'default',
    /** A leg is protected when the other one is. */
    srtp: 'when-caller-does',
  },
  trunk: {
    /** What an unknown peer claims about identities is not believed (RFC 3325 §4). */
    trusted: false,
    network: 'default',
  },
  provider: {
    /** The plain one: RFC 7866 as it is written. For a provider that has not the name of a profile. */
    profile: 'rfc7866',
    /** ms. The live call never waits for it; what is said meanwhile is in the ring. */
    answerTimeoutMs: 5000,
    network: 'default',
    /** Only profiles of companies that have some say so. */
    termsOfService: 'none',
    /** RFC 2782: among equal priorities, equal weights share the load. */
    targetWeight: 1,
    /** RFC 7866 §6.1.1. */
    requireSiprec: true,
    /** RFC 7866 §6.1.1. */
    contactTag: '+sip.src',
    /** RFC 9806 corrects the media type of RFC 7866. */
    metadataType: 'application/rs-metadata+xml',
    /** The order of the examples in RFC 7866 §9.1. */
    partOrder: 'sdp-first',
    /** RFC 8068 §3.2.4 shows it; recorders that do not read it ignore it. */
    metadataInBye: true,
    /** The standard (RFC 7865). */
    dialect: 'rfc7865',
    /** The newest that public traces show. */
    schemaVersion: '3.0',
    /** Start, stop, pause, resume and announcements are told. */
    reportEvents: true,
    displayNames: true,
    /** RFC 7866 §12.2: not less protected than the call. */
    srtpPolicy: 'when-live-is-secure',
    srtpSuites: ['AES_CM_128_HMAC_SHA1_80', 'AES_CM_128_HMAC_SHA1_32'],
    /** What is less protected than the call is a decision (RFC 7866 §12). */
    srtpAllowLessProtected: false,
    dtmf: 'pass',
    comfortNoise: 'pass',
    /** RFC 7866 §7.1.1: a pause is seen in SDP. */
    pause: 'inactive',
    /** As Webex Calling and BroadWorks label them, by public traces; RFC 7866 leaves the labels to the sender. */
    recordedPartyLabel: '1',
    otherPartiesLabel: '2',
    /** ms. Half of what somebody notices as a pause; the next SRS is asked meanwhile. */
    maxResponseWaitMs: 1000,
    /** ms. A recorder that hangs is found out within 5 s. */
    optionsIntervalMs: 3000,
    optionsDeadlineMs: 2000,
    /** ms. Four of the usual 5 s intervals of RTCP (RFC 3550 §6.2). */
    rtcpSilenceMs: 20_000,
    /** ms. More than what a recorder holds in memory before it writes. */
    overlapMs: 2000,
  },
  organisation: {
    /** The platform's own. */
    provider: 'dubber',
    /** As on the platform: the call matters more. */
    failureBehaviour: 'proceed',
    language: 'en',
    /** s. Enough to say a name before the announcement. */
    complianceDelayS: 10,
  },
  location: { provider: 'inherit' },
  user: {
    licence: 'professional',
    /** Nobody is recorded who was not named (and as on the platform whose rules we follow). */
    mode: 'never',
    recordVoicemail: false,
    notification: 'none',
    /** On, as on the platform: the parties shall know. */
    reminderToneEnabled: true,
    /** s. The platform's own. */
    reminderToneIntervalS: 20,
    apiControl: true,
  },
  featureCodes: {
    /** The codes of BroadWorks. */
    start: '*44',
    stop: '*45',
    pause: '*48',
    resume: '*49',
    relay: true,
    /** ms. How long a digit waits for the next one of its code. */
    maxHoldMs: 2000,
  },
  notices: {
    /** The recorder warning tone of US Federal Standard 1037C; short, and soft enough to talk over. */
    tone: { frequencyHz: 1400, durationMs: 200, levelDbm0: -20, rampMs: 10 },
    /** dB. Speech stays intelligible under the notice, and the notice over speech. */
    duckDb: 12,
    /** Who must be told is told, in a codec in which we can. */
    codecs: 'strip',
  },
  prompts: {
    /** Nothing else is needed. */
    source: 'packaged',
    /** FreeSWITCH's event socket. */
    freeswitchPort: 8021,
    /** What drachtio-fsmrf looks for. */
    freeswitchProfile: 'drachtio_mrf',
    localHost: '127.0.0.1',
    /** s. A long announcement, and time for a speech engine. */
    promptTimeoutS: 30,
  },
  recording: {
    /** ms. How long audio that the SRS has not yet got may still be sent after the call has ended. */
    drainMs: 5000,
    /** What is said before the answer is no conversation yet. */
    earlyMedia: false,
    /** Who the SRS sees in From; `localhost` becomes the address that the SIP engine advertises. */
    fromUri: 'sip:siprec-gateway@localhost',
  },
  ledger: {
    /** Relative to the working directory. */
    file: './ledger.jsonl',
    /** s. At most this much of a recording in progress is unknown after a crash. */
    checkpointIntervalS: 10,
    /** MiB. A segment still opens in an editor and holds some 30 000 recordings; 0: one file for ever. */
    segmentMiB: 64,
    /** %. Beyond this, G.711 without concealment is heard to stutter. */
    maxReportedLossPercent: 1,
  },
  log: {
    /** Life-cycle points and one summary per call. */
    level: 'info',
  },
  admin: {
    enabled: true,
    /** Metrics and health tell about calls: loopback unless told otherwise. */
    host: '127.0.0.1',
    port: 8080,
  },
} as const;
