import {endProcess} from './end-process.ts'
import {runPost} from './run-post.ts'

await endProcess(() => runPost(process.env))
