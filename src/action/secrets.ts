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
    // Also of what is no URL: a password with signs that it may not have is told to be wrong, and must not be shown.
    const [, who = ''] = /^(?:[a-z][a-z0-9+.-]*:\/\/)?(.*)@/i.exec(address) ?? []
    const [, password = who] = /:(.*)$/.exec(who) ?? []
    // As it was given, as it is meant, and as the library writes it. A token may stand where the user does.
    addSecret(who)
    addSecret(password)
    addSecret(decoded(password))
    addSecret(URL.parse(/^[a-z][a-z0-9+.-]*:\/\//i.test(address) ? address : `http://${address}`)?.password)
  }
}

function decoded(text: string): string | undefined {
  try {
    return decodeURIComponent(text)
  } catch {
    return undefined
  }
}
