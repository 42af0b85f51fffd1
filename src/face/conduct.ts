import type {Context} from '../context.ts'

/** What a face gives to all it starts: how it is stopped, and where what happens is told. */
export type Conduct = Pick<Context, 'signal' | 'report'>
