import {randomInt} from 'node:crypto'

/** No vowels and nothing that looks like another character: ids are read aloud and must not spell words. */
const LETTERS = 'bcdfghjkmnpqrstvwxz23456789'

/** What a run may be called: its name stands in session ids, together with that of an asset. */
export const RUN_NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,35}$/

/** A name for one run, eight characters: it stands in session ids, in the server's folders and in pictures' metadata. */
export function newRunId(): string {
  return Array.from({length: 8}, () => LETTERS[randomInt(LETTERS.length)]).join('')
}
