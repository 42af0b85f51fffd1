/** Where the server is and who we are to it. */
export interface ServerSettings {
  readonly server: string
  readonly token: string | undefined
  readonly authorization: string | undefined
  readonly 'user-id': string | undefined
  /** `name=value` each; one text with a header a line where it comes from the environment or an input. */
  readonly header: string[] | string | undefined
  readonly 'allow-insecure': boolean
}

/** Where the sessions are. */
export interface StateSettings {
  readonly 'state-dir': string | undefined
  readonly 'state-file': string | undefined
}

export const DEFAULT_SERVER = 'http://localhost:7801'
