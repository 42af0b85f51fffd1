import {stripTypeScriptTypes} from 'node:module'

/** Jest's transform: Node removes the types itself, so tests run the very sources that are shipped. */
export default {process: (source) => ({code: stripTypeScriptTypes(source)})}
