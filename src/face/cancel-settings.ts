import type {ServerSettings, StateSettings} from './settings.ts'

/** What a cancel is when nothing is set. */
export const CANCEL_DEFAULTS = {timeout: '30s'} as const

/** What `ag cancel` stops. */
export interface CancelSettings extends ServerSettings, StateSettings {
  readonly run: string | undefined
  readonly all: boolean
  readonly user: boolean
  readonly timeout: string
}
