#!/usr/bin/env node
import module from 'node:module'

// The oldest that "engines" in package.json allows. What is imported below does not even load on an older one.
const [major, minor] = process.versions.node.split('.').map(Number)
if (major < 22 || (major === 22 && minor < 19)) {
  process.stderr.write(`Error: ag needs Node 22.19 or newer, and this is ${process.versions.node}.\n`)
  process.exit(1)
}

module.enableCompileCache()
const {main} = await import('../lib/main.js')
await main({dir: import.meta.url})
