import {setSecret} from '@actions/core'
import {addSecret, onSecret} from '../secrets.ts'
import type {Inputs} from './inputs.ts'

/** Has the runner mask every secret that this process learns of, and blanks out those of the settings from now on. */
export function maskSecrets({command: {settings}}: Inputs): void {
  onSecret(setSecret)
  const {token, authorization, header, server} = settings
  addSecret(token)
  addSecret(authorization)
  const headers = [header ?? []].flat().flatMap((text) => text.split('\n'))
  for (const line of headers) addSecret(line.slice(line.search(/[=:]/) + 1).trim())
  for (const address of [server].flat().flatMap((text) => text.split(/\s+/))) {
    const url = URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(address) ? address : `http://${address}`)
    if (!url) continue
    // A token may stand where the user does. As it was given, and as it is meant.
    const secret = url.password || url.username
    addSecret(secret)
    addSecret(decoded(secret))
    addSecret(/\/\/(.*)@/.exec(address)?.[1])
  }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
