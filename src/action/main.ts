import {endProcess} from './end-process.ts'
import {runMain} from './run-main.ts'

await endProcess(() => runMain(process.env))
