/** The part of drachtio-fsmrf 4.1.2 that is used here; it has no typings of its own. */
export interface MrfLike {
  connect(options: {
    address: string;
    port: number;
    secret: string;
    profile: string;
    listenAddress: string;
    listenPort: number;
    advertisedAddress: string;
    advertisedPort: number;
  }): Promise<MediaServerLike>;
}

export interface MediaServerLike {
  createEndpoint(options: { remoteSdp: string }): Promise<EndpointLike>;
  disconnect(): void;
}

export interface EndpointLike {
  readonly dialog: {
    readonly remote: { readonly sdp: string };
    on(event: 'destroy', listener: () => void): unknown;
    destroy(): unknown;
  };
  play(file: string): Promise<unknown>;
  speak(options: { ttsEngine: string; voice: string; text: string }): Promise<unknown>;
  on(event: 'destroy', listener: () => void): unknown;
}

export type MrfConstructor = new (srf: unknown) => MrfLike;

export interface SrfOfEngine {
  connect(options: { host: string; port: number; secret: string }): unknown;
  on(event: 'connect', listener: (error: Error | null) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
}
