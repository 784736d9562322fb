/** One connected and authenticated application, as the user agent sees it. */
export interface AppPort {
  /** false: the connection is gone, and send() does nothing. */
  readonly isOpen: boolean;
  /** Too much waits for it already: it gets no new calls. */
  readonly isBusy: boolean;
  /** Sends one frame: leader (without the message id, which the port puts first), then the message. */
  send(leader: string, message?: Buffer): void;
}

/** What an application asks to be sent (`sip|txnId|dialogId[|routeUrl]`). */
export interface AppRequestMeta {
  /** Message id of the frame, for its answer. */
  readonly requestId: string;
  readonly txnId: string;
  readonly dialogId: string;
  /** Next hop of a new request; empty: the Request-URI. */
  readonly routeUrl: string;
}

/** Finds an application for new requests of a method. */
export interface AppDirectory {
  /** The next application (round robin) that routed `method`, one that is not busy if there is; null: none. */
  next(method: string): AppPort | null;
  /** The methods that applications route, in upper case. */
  methods(): readonly string[];
}
