#!/usr/bin/env node
// Runs the TypeScript sources unbuilt, for working on ag itself.
import {readFile} from 'node:fs/promises'
import {fileURLToPath} from 'node:url'
import {main} from '../src/cli/main.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const pjson = JSON.parse(await readFile(new URL('../package.json', import.meta.url), 'utf8'))
pjson.oclif.commands = './commands'
pjson.oclif.hooks = {command_not_found: './src/cli/command-not-found.ts'}
await main({loadOptions: {root, pjson, ignoreManifest: true}})
