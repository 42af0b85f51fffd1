import type {Context} from '../context.ts'
import {askServer, type Question, questionOf, type ServerAnswer} from '../recovery/server-evidence.ts'
import type {Resumption} from './resume.ts'

/** What the server says of earlier sessions, and how it was asked: before this run could change anything. */
export interface EarlierWork {
  readonly answers: ReadonlyMap<string, ServerAnswer>
  readonly questions: ReadonlyMap<string, Question>
}

/** Asks the server after all earlier sessions that were sent to it, run by run. Throws as the server does. */
export async function askAboutEarlier(context: Context, {earlier}: Pick<Resumption, 'earlier'>): Promise<EarlierWork> {
  const sent = [...earlier.values()].flat().filter(({submission}) => submission !== undefined)
  const questions = new Map<string, Question>()
  const answers = new Map<string, ServerAnswer>()
  for (const [run, members] of Map.groupBy(sent, (session) => session.run)) {
    const asked = await Promise.all(members.map((session) => questionOf(context, session)))
    for (const question of asked) questions.set(question.session, question)
    for (const [session, answer] of await askServer(context, run, asked)) answers.set(session, answer)
  }
  return {answers, questions}
}
