import {readFileSync, writeFileSync} from 'node:fs'
import {join} from 'node:path'
import * as z from 'zod/mini'
import {messageOf} from '../ending.ts'
import type {Session} from '../session/session.ts'
import type {SessionStore} from '../store/session-store.ts'
import {annotate} from './log.ts'
import {type Runner, slug} from './runner.ts'

/** How far each session's history was when the command began: by this, and no clock, a step tells what it wrote. */
export type Before = ReadonlyMap<string, string>

const schema = z.record(z.string(), z.string())

/** Looks at the histories, and notes it for the post step. */
export async function noteBefore({temp, step}: Runner, sessions: SessionStore): Promise<Before> {
  const before = new Map((await sessions.list({active: false})).map((session) => [session.id, mark(session)]))
  const file = fileOf(temp, step)
  try {
    writeFileSync(file, JSON.stringify(Object.fromEntries(before)))
  } catch (error) {
    annotate('warning', `The post step will not know what was here before: ${messageOf(error)}`, 'ag')
  }
  return before
}

/** What main noted; `undefined` where it did not get that far, or could not: then nobody knows what is new. */
export function readBefore({temp, step}: Runner): Before | undefined {
  try {
    return new Map(Object.entries(schema.parse(JSON.parse(readFileSync(fileOf(temp, step), 'utf8')))))
  } catch {
    return undefined
  }
}

/** Whether a session has lines that it had not then. */
export function isNewSince(before: Before, session: Session): boolean {
  return before.get(session.id) !== mark(session)
}

function mark({epoch, seq}: Session): string {
  return `${epoch}.${seq}`
}

function fileOf(temp: string, step: string): string {
  return join(temp, `ag-before-${slug(step)}.json`)
}
