import {namesIn} from '../names-in.ts'

/** What a note's name says: what it is about, and which process it belongs to. */
interface NoteName {
  readonly about: string
  /** Of its owner. */
  readonly token: string
}

/** The name of a note that belongs to a process. Neither part has a dot in it. */
export function noteName({about, token}: NoteName, ending = ''): string {
  return `${about}.${token}${ending}`
}

/** The notes in a folder, those with this ending or all. */
export function notesIn(folder: string, ending?: string): (NoteName & {readonly name: string})[] {
  return namesIn(folder).flatMap((name) => {
    const [about, token, ...more] = name.split('.')
    if (!about || !token || (ending !== undefined && ending !== more.map((part) => `.${part}`).join(''))) return []
    return {name, about, token}
  })
}
