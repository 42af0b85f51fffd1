import type {UnknownActivity} from '../image-server.ts'
import {ApiError} from './answer.ts'

/** A call's answer, or the API's own refusal as a value: where what we may not ask is no failure. */
export async function ifAllowed<T>(call: Promise<T>): Promise<T | ApiError> {
  try {
    return await call
  } catch (error) {
    if (error instanceof ApiError) return error
    throw error
  }
}

export function isRefused(answer: unknown): answer is ApiError {
  return answer instanceof ApiError
}

/** Why the work of all users is not known, from the server's refusal of GetGlobalStatus. */
export function whyUnknown({errorId, message}: ApiError): UnknownActivity {
  if (errorId === 'bad_permissions') {
    return {because: 'permission', message: 'this user lacks the permission read_server_info_panels'}
  }
  if (errorId === 'bad_route') {
    return {because: 'version', message: 'this SwarmUI has no GetGlobalStatus, which takes 0.9.8 or newer'}
  }
  return {because: 'other', message}
}
