/**
 * What is asked: one request, or one TCP connection. An interface, so that whoever asks can put a view
 * of its own there and make nothing anew for each question.
 */
export interface AccessQuestion {
  /** SPIFFE id of the verified certificate; undefined for a caller that showed none. */
  readonly identity: string | undefined;
  /** Address of the caller; undefined where it is not known. */
  readonly address: string | undefined;
  /** Port of the service that was meant; undefined where that is not known. */
  readonly port: number | undefined;
  /** Undefined for a connection of which nothing is known but that it is TCP. */
  readonly http: HttpQuestion | undefined;
}

/** What HTTP says of a request. */
export interface HttpQuestion {
  readonly method: string;
  /** As `normalizePath` gives it, without its query: the same that is forwarded. */
  readonly path: string;
  /** Host, with its port if there is one. */
  readonly authority: string;
  /** The lines of a header, whose name is in lower case; empty if there are none. */
  headerLines(name: string): readonly string[];
}
