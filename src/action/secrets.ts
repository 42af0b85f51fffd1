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
  for (const address of [server].flat()) {
    for (const [, password] of address.matchAll(/\/\/[^/@\s]*:([^/@\s]+)@/g)) addSecret(password)
  }
}
